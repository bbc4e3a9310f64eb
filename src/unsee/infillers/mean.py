"""The mean colour of what is still visible."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Mean"]


@dataclass(frozen=True)
class Mean(Infiller):
    """The mean colour of the visible pixels; the neutral colour where none is left.

    Taken over the visible pixels and not over the whole image, so that what was removed does not
    shine through.
    """

    def bind(self, scene: ImageBatch) -> Fill:
        """Nothing to prepare: the mean depends on the mask."""

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            images, area = scene.images[rows.image], keep.sum((2, 3), keepdim=True)
            mean = (images * keep).sum((2, 3), keepdim=True) / area.clamp(min=1)
            return mean.where(area > 0, scene.neutral.view(-1, 1, 1)).expand_as(images)

        return fill
