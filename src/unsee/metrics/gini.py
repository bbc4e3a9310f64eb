"""Gini: how few pixels hold the map."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Gini"]


@dataclass(frozen=True)
class Gini(Metric):
    """Gini index of the magnitudes (Chalasani et al., ICML 2020).

    sum((2 i - n - 1) |s_i|) / (n sum |s|) over the sorted magnitudes: 0 for a flat map, 1 for a
    single pixel.
    """

    higher_is_better: ClassVar[bool] = True
    compares: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each map; 0 where it is zero everywhere."""
        flat = saliency.abs().flatten(1).sort(1).values.double()
        count = flat.shape[1]
        place = 2 * torch.arange(1, count + 1, device=flat.device) - count - 1
        total = flat.sum(1).clamp(min=1e-300)
        return ((flat * place).sum(1) / (count * total)).clamp(0, 1).to(saliency)
