"""A random colour with noise, a new sample at each step."""

from dataclasses import dataclass

from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Random"]


@dataclass(frozen=True)
class Random(Infiller):
    """A uniformly random colour plus Gaussian noise, a new sample at each step: "random" in FIDO.

    Independent of the mask; all masks of a step get the same colours. Fast.

    Chang et al., "Explaining Image Classifiers by Counterfactual Generation", ICLR 2019,
    https://arxiv.org/abs/1807.08024.
    """

    amplitude: float = 0.2
    """Standard deviation of the noise."""

    def bind(self, batch: ImageBatch) -> Fill:
        """Return a function that draws colours for each step."""
        c, h, w = batch.images.shape[1:]

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            colour = batch.random.uniform(rows.step, c, 1, 1, stream="infill")
            noise = batch.random.normal(rows.step, c, h, w, stream="infill")
            return (colour + self.amplitude * noise).clamp(0, 1)[rows.image]

        return fill
