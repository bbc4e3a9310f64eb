"""Gini index: how few pixels hold the map."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["Gini"]


def gini(maps: SaliencyLike) -> Float[Tensor, " b"]:
    """Return the Gini index of the magnitudes of each map.

    sum_i (2 i - n - 1) |s_i| / (n sum_i |s_i|), over the n magnitudes in ascending order, i = 1..n.
    0 for a map of equal magnitudes, zero everywhere included; 1 - 1/n for a single pixel.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.

    Reference: Chalasani et al., 2020, Concise explanations of neural networks using adversarial
    training, ICML, https://arxiv.org/abs/1810.06583
    """
    saliency = as_saliency(maps)
    magnitudes = saliency.abs().flatten(1).sort(1).values.double()
    count = magnitudes.shape[1]
    weights = 2 * torch.arange(1, count + 1, device=magnitudes.device) - count - 1
    total = magnitudes.sum(1).clamp(min=1e-300)
    return ((magnitudes * weights).sum(1) / (count * total)).clamp(0, 1).to(saliency)


@dataclass(frozen=True)
class Gini(Metric):
    """Gini index of the map's magnitudes: 0 if flat, near 1 if sparse (Chalasani et al., 2020).

    A statistic of the map, which needs no score: `gini`. In [0, 1].
    """

    higher_is_better: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the Gini index of each map."""
        return gini(saliency)
