"""The data's mean colour: 0 after normalisation."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Grey"]


@dataclass(frozen=True)
class Grey(Infiller):
    """The data set's mean colour: 0 in normalised space, the usual "grey"."""

    def bind(self, scene: ImageBatch) -> Fill:
        """The colour, once for each image."""
        background = scene.neutral.view(-1, 1, 1).expand_as(scene.images)
        return lambda keep, rows: rows.of(background)
