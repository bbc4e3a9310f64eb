"""Noise that is drawn once for each image."""

from dataclasses import dataclass
from typing import Literal

from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise(Infiller):
    """Gaussian noise around the neutral colour, or uniform noise, drawn once for each image.

    Independent of the mask; all masks and steps of an image get the same noise. Fast.
    """

    kind: Literal["normal", "uniform"] = "normal"
    """Distribution of the noise; uniform noise is drawn from [0, 1)."""
    amplitude: float = 0.2
    """Standard deviation of normal noise."""

    def bind(self, batch: ImageBatch) -> Fill:
        """Draw the noise once."""
        shape = batch.images.shape[1:]
        if self.kind == "uniform":
            background = batch.random.uniform(0, *shape, stream="infill")
        else:
            noise = batch.random.normal(0, *shape, stream="infill")
            background = (batch.neutral.view(-1, 1, 1) + self.amplitude * noise).clamp(0, 1)
        return lambda keep, rows: rows.of(background)
