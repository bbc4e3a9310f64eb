"""The interface of cells."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float, Int
from torch import Tensor

from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.registry import check_settings, name_of
from unsee.types import Size

MAX_SEGMENTS = 2500
"""Largest number of segments of a photo. To assign them to the cells of a grid takes 2 seconds."""

Labels = Int[Tensor, "h w"]
"""Number of the segment of each pixel."""


@dataclass(frozen=True, eq=False)
class ShownPhoto:
    """A photo as the classifier sees it."""

    image: Float[Tensor, "c h w"]
    """Input of the classifier, with pixels in [0, 1]."""
    framing: Framing
    """How the classifier frames photos."""
    size: Size | None = None
    """Height and width of the photo that was framed; None if the image came as a tensor."""

    @property
    def shape(self) -> Size:
        """Height and width of the image."""
        return self.image.shape[-2], self.image.shape[-1]


class Cells(ABC):
    """Base of cells: what a mask keeps or removes as a whole.

    Final subclasses are frozen dataclasses of settings. The segments of an image depend on that
    image alone.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that are imported on first use."""

    argument: ClassVar[str] = ""
    """Placeholder of a value without a name in help texts, such as PATH."""

    of_file: ClassVar[bool] = False
    """Whether the segments are those of a file, for any photo."""

    @property
    def limit(self) -> int | None:
        """Largest number of segments of any photo; None if the segments say."""
        return None

    @abstractmethod
    def segment(self, photo: ShownPhoto) -> Labels | None:
        """Return the segment of each pixel, by any numbers; None takes the grid of the method."""

    def check(self) -> None:
        """Raise `InputError` for an invalid setting, or a file that cannot be read."""
        check_settings(self)

    @final
    def labels(self, photo: ShownPhoto) -> Labels | None:
        """Return the segment of each pixel, numbered from 0 by the order of their numbers.

        Raises:
            InputError: There is one segment only, or there are too many for the photo.
        """
        if self.limit is not None:
            self._check_count(self.limit, photo)
        labels = self.segment(photo)
        if labels is None:
            return None
        numbers, labels = labels.unique(return_inverse=True)
        if len(numbers) < 2:
            raise InputError(
                f"{name_of(self)}: the whole photo is one segment, expected at least two; use "
                "other cells, such as slic or grid"
            )
        self._check_count(len(numbers), photo)
        return labels

    def _check_count(self, count: int, photo: ShownPhoto) -> None:
        """Check that the segments fit on a grid that is coarser than the image."""
        most = min(max(min(photo.shape) - 1, 0) ** 2, MAX_SEGMENTS)
        if count > most:
            raise InputError(
                f"{name_of(self)}: expected at most {most} segments for "
                f"{photo.shape[0]} x {photo.shape[1]} pixels, got {count}"
            )
