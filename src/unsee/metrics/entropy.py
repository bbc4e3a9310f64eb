"""Entropy: how spread out the map is."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["Entropy"]


def entropy(maps: SaliencyLike) -> Float[Tensor, " b"]:
    """Return the entropy of the magnitudes of each map as a share of its maximum.

    -sum_i p_i log(p_i) / log(n), with p_i = |s_i| / sum_j |s_j| over the n pixels. 0 for a single
    pixel; 1 for a map of equal magnitudes, zero everywhere included.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.

    Reference: Bhatt et al., 2020, Evaluating and Aggregating Feature-based Model Explanations
    (complexity), https://arxiv.org/abs/2005.00631. Zolna et al., 2018, report the entropy of the
    intensities instead, which is `intensity_entropy`.
    """
    saliency = as_saliency(maps)
    magnitudes = saliency.abs().flatten(1).double()
    count = magnitudes.shape[1]
    total = magnitudes.sum(1, keepdim=True)
    p = torch.where(total > 0, magnitudes / total.clamp(min=1e-300), 1 / count)
    values = torch.special.entr(p).sum(1) / math.log(max(count, 2))
    return values.clamp(0, 1).to(saliency)


@dataclass(frozen=True)
class Entropy(Metric):
    """Entropy of the map's magnitudes over the pixels, divided by its maximum (Bhatt et al., 2020).

    A statistic of the map, which needs no score: `entropy`. In [0, 1]; lower is more concentrated.
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the entropy of each map."""
        return entropy(saliency)
