"""Intensity entropy: how far the values of a mask are from 0 and 1."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, SaliencyLike, as_mask, as_saliency
from unsee.types import Saliency

__all__ = ["IntensityEntropy"]


def intensity_entropy(maps: SaliencyLike, mask: MaskSource = "rescaled") -> Float[Tensor, " b"]:
    """Return the mean entropy, in bits, of the values of each map as a soft mask.

    mean_i [-m_i log2(m_i) - (1 - m_i) log2(1 - m_i)]. 0 for a binary mask, however large it is; 1
    for a mask that is 1/2 everywhere.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        mask: "rescaled" scales each map to [0, 1] by its extremes; "raw" takes maps that are masks
            already as they are.

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction,
    https://arxiv.org/abs/1805.08249
    """
    saliency = as_saliency(maps)
    values = as_mask(saliency, mask).flatten(1).double()
    entropies = torch.special.entr(values) + torch.special.entr(1 - values)
    return (entropies.mean(1) / math.log(2)).clamp(0, 1).to(saliency)


@dataclass(frozen=True)
class IntensityEntropy(Metric):
    """Mean entropy of the values of the map as a soft mask, in bits (Zolna et al., 2018).

    A statistic of the map, which needs no score: `intensity_entropy`. In [0, 1]; lower is closer to
    a binary mask. `entropy` rates how the map is spread over the pixels instead.
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False

    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw)."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the entropy of the intensities of each map."""
        return intensity_entropy(saliency, self.mask)
