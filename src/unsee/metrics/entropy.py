"""Entropy: how spread the map is."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Entropy"]


@dataclass(frozen=True)
class Entropy(Metric):
    """Entropy of the magnitudes as a distribution over pixels, as a share of its maximum log(n).

    One of CASM's statistics of masks; lower is more concentrated.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each map; 1 where it is zero everywhere."""
        flat = saliency.abs().flatten(1).double()
        total = flat.sum(1, keepdim=True)
        p = torch.where(total > 0, flat / total.clamp(min=1e-300), 1 / flat.shape[1])
        found = torch.special.entr(p).sum(1) / math.log(max(flat.shape[1], 2))
        return found.clamp(0, 1).to(saliency)
