"""The mean of the visible pixels nearby."""

from dataclasses import dataclass

from unsee.errors import InputError
from unsee.images.filters import box_sum
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Local"]


@dataclass(frozen=True)
class Local(Infiller):
    """The mean of the visible pixels in a window around each pixel: "local" in FIDO.

    A pixel without a visible pixel in its window gets the neutral colour. Depends on the mask;
    deterministic and fast.

    Chang et al., "Explaining Image Classifiers by Counterfactual Generation", ICLR 2019,
    https://arxiv.org/abs/1807.08024.
    """

    window: int = 15
    """Side of the window in pixels, odd."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise InputError(f"expected an odd window of at least 1 pixel, got {self.window}")

    def bind(self, batch: ImageBatch) -> Fill:
        """Return a function that averages the visible pixels for each mask."""

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            total = box_sum(batch.images[rows.image] * keep, self.window)
            count = box_sum(keep, self.window)
            mean = (total / count.clamp(min=1)).clamp(0, 1)
            return mean.where(count > 0.5, batch.neutral.view(-1, 1, 1))

        return fill
