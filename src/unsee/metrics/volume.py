"""Volume: how much of the image the map covers."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Volume"]


@dataclass(frozen=True)
class Volume(Metric):
    """Mean of the map scaled to [0, 1] by its extremes, unless it lies there already.

    One of CASM's statistics of masks.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each map."""
        low, high = (end[:, None, None] for end in saliency.flatten(1).aminmax(dim=1))
        scaled = (saliency - low) / (high - low).clamp(min=1e-12)
        inside = (low >= 0) & (high <= 1)
        return torch.where(inside, saliency, scaled).flatten(1).mean(1)
