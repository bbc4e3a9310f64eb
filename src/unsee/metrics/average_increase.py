"""Average increase: whether the probability rises if only the map's pixels are shown."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._masked_probability import masked_probability
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["AverageIncrease"]


@dataclass(frozen=True)
class AverageIncrease(Metric):
    """1 if p(map as mask) > p, of the class's probability p, else 0 (Chattopadhyay et al., 2018).

    The map is scaled to [0, 1] by its extremes. The in-filler of the score replaces what the mask
    removes (paper: black). A constant map removes everything.

    Reference: Chattopadhyay et al., 2018, Grad-CAM++: generalized gradient-based visual
    explanations for deep convolutional networks, WACV, https://arxiv.org/abs/1710.11063
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    has_ties: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return 1 for a rise and 0 otherwise."""
        whole, masked = masked_probability(score, saliency)
        return (masked > whole).to(whole)
