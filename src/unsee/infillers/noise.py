"""Noise around the neutral colour, drawn once for each image."""

from dataclasses import dataclass
from typing import Literal

from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise(Infiller):
    """Noise around the neutral colour, drawn once for each image."""

    kind: Literal["normal", "uniform"] = "normal"
    """Distribution of the noise; uniform noise fills all of [0, 1]."""
    amplitude: float = 0.2
    """Standard deviation (normal only)."""

    def bind(self, scene: ImageBatch) -> Fill:
        """Draw once."""
        shape = scene.images.shape[1:]
        if self.kind == "uniform":
            background = scene.random.uniform(0, *shape, stream="infill")
        else:
            noise = scene.random.normal(0, *shape, stream="infill")
            background = (scene.neutral.view(-1, 1, 1) + self.amplitude * noise).clamp(0, 1)
        return lambda keep, rows: rows.of(background)
