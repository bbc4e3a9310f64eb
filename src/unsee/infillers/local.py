"""The mean of the visible pixels nearby."""

from dataclasses import dataclass

from unsee.errors import InputError
from unsee.images.filters import box_sum
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Local"]


@dataclass(frozen=True)
class Local(Infiller):
    """The mean of the visible pixels in a window around each pixel (FIDO's "local").

    Where no pixel of the window is visible, the neutral colour.
    """

    window: int = 15
    """Side of the window in pixels, odd."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise InputError(f"expected an odd window of at least 1 pixel, got {self.window}")

    def bind(self, scene: ImageBatch) -> Fill:
        """Nothing to prepare: the mean depends on the mask."""

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            shown = box_sum(scene.images[rows.image] * keep, self.window)
            count = box_sum(keep, self.window)
            mean = (shown / count.clamp(min=1)).clamp(0, 1)
            return mean.where(count > 0.5, scene.neutral.view(-1, 1, 1))

        return fill
