"""A random colour with noise, drawn anew at each step."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Random"]


@dataclass(frozen=True)
class Random(Infiller):
    """A uniformly random colour plus Gaussian noise, fresh at each step (FIDO's "random")."""

    amplitude: float = 0.2
    """Standard deviation of the noise."""

    def bind(self, scene: ImageBatch) -> Fill:
        """Nothing to prepare: every step draws for itself, all masks of a step alike."""
        c, h, w = scene.images.shape[1:]

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            colour = scene.random.uniform(rows.step, c, 1, 1, stream="infill")
            noise = scene.random.normal(rows.step, c, h, w, stream="infill")
            return (colour + self.amplitude * noise).clamp(0, 1)[rows.image]

        return fill
