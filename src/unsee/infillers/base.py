"""The interface of in-fillers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from unsee.noise import ImageRandom
from unsee.types import Backgrounds, FlatKeep, Images, Variants


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """A batch of images to be filled, before the masks are given."""

    images: Images
    neutral: Float[Tensor, " c"]
    """Mean colour of the data set: 0 after normalisation, "grey" in papers."""
    random: ImageRandom
    """Random numbers of each image, from its own seed."""


class RowIndex(NamedTuple):
    """Image and mask of each row of a flat batch."""

    image: Int[Tensor, " n"]
    """Index of the image."""
    variant: Int[Tensor, " n"]
    """Index of the mask among those of the image."""
    step: int
    """Optimisation step. It seeds noise that differs between steps."""
    single_image: int | None = None
    """Index of the image if all rows are of one image, otherwise None; it saves a copy."""

    def of(self, images: Images) -> Variants:
        """Return the image of each row; a view if there is only one image."""
        index = 0 if len(images) == 1 else self.single_image
        if index is None:
            return images[self.image]
        return images[index : index + 1].expand(len(self.image), -1, -1, -1)


Fill = Callable[[FlatKeep, RowIndex], Backgrounds]
"""Return the background of each row for hard masks (n, 1, h, w), where 0 is removed."""


class Infiller(ABC):
    """Base of in-fillers: content for the pixels that a mask removes.

    Final subclasses are frozen dataclasses of settings. The background of a row depends only on the
    image and the mask of that row, so that it is the same alone and in a batch.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that are imported on first use; `import_libraries` imports them before timing."""

    uses_removed_pixels: ClassVar[bool] = False
    """Whether removed pixels influence the background, as in a blur of the whole image."""

    generative: ClassVar[bool] = False
    """Whether holes are filled with texture and shapes that continue the visible pixels."""

    @property
    def parts(self) -> "tuple[Infiller, ...]":
        """Other in-fillers that this one calls."""
        return ()

    @abstractmethod
    def bind(self, batch: ImageBatch) -> Fill:
        """Prepare for a batch of images and return the function that fills holes in them.

        Backgrounds that do not depend on the mask are computed here, once. Gradients do not flow.
        """

    def prepare(self, device: torch.device) -> None:  # noqa: B027  # most load nothing
        """Load what the in-filler needs; raise `InputError` if that cannot be used.

        A command calls it before it computes anything. By default there is nothing to load.
        """


class Inpainter(Infiller):
    """Base of in-fillers that fill one 8-bit picture at a time on the CPU.

    Removed pixels are black before `inpaint` is called, so that they cannot influence the result.
    An image without holes is returned unchanged; an image without visible pixels becomes the
    neutral colour.
    """

    @abstractmethod
    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill the hole (h, w) of one picture (h, w, c)."""

    @final
    def bind(self, batch: ImageBatch) -> Fill:
        """Convert the images to 8 bits; the returned function fills them row by row."""
        pictures = (batch.images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        neutral = (batch.neutral.cpu() * 255).round().byte().numpy()

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            holes = (keep[:, 0] < 0.5).cpu().numpy()
            if not holes.any():
                return batch.images[rows.image]
            filled = []
            for image, hole in zip(rows.image.tolist(), holes, strict=True):
                picture = np.where(hole[..., None], np.uint8(0), pictures[image])
                if hole.all():
                    picture[:] = neutral
                elif hole.any():
                    picture = self.inpaint(picture, hole, batch.random.seeds[image])
                filled.append(torch.from_numpy(picture))
            return torch.stack(filled).permute(0, 3, 1, 2).to(batch.images) / 255

        return fill
