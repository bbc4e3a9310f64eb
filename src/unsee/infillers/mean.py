"""The mean colour of the visible pixels."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Mean"]


@dataclass(frozen=True)
class Mean(Infiller):
    """The mean colour of the visible pixels; the neutral colour if there are none.

    Removed pixels are not averaged, so that they do not influence the colour. Depends on the mask;
    deterministic and fast.
    """

    def bind(self, batch: ImageBatch) -> Fill:
        """Return a function that averages the visible pixels for each mask."""

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            images, area = batch.images[rows.image], keep.sum((2, 3), keepdim=True)
            mean = (images * keep).sum((2, 3), keepdim=True) / area.clamp(min=1)
            return mean.where(area > 0, batch.neutral.view(-1, 1, 1)).expand_as(images)

        return fill
