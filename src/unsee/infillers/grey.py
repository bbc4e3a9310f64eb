"""The mean colour of the data set."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Grey"]


@dataclass(frozen=True)
class Grey(Infiller):
    """The mean colour of the data set: 0 after normalisation, "grey" in papers.

    It is `Classifier.data_mean`, which is not black for a model that takes pixels as they are.

    Independent of the mask and of the image; deterministic; the cheapest in-filler.
    """

    def bind(self, batch: ImageBatch) -> Fill:
        """Expand the colour to the size of the images."""
        background = batch.neutral.view(-1, 1, 1).expand_as(batch.images)
        return lambda keep, rows: rows.of(background)
