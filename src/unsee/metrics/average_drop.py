"""Average drop: how much of the probability is lost if only the map's pixels are shown."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._masked_probability import masked_probability
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["AverageDrop"]


@dataclass(frozen=True)
class AverageDrop(Metric):
    """max(0, p - p(map as mask)) / p, of the class's probability p (Chattopadhyay et al., 2018).

    The map is scaled to [0, 1] by its extremes. The in-filler of the score replaces what the mask
    removes (paper: black). In [0, 1]: 0 if the masked image has at least the probability of the
    whole image. A constant map removes everything.

    Reference: Chattopadhyay et al., 2018, Grad-CAM++: generalized gradient-based visual
    explanations for deep convolutional networks, WACV, https://arxiv.org/abs/1710.11063
    """

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the relative drop of each image."""
        whole, masked = masked_probability(score, saliency)
        return (whole - masked).clamp(min=0) / whole.clamp(min=1e-6)
