"""How much of the probability is lost when only the map is shown."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._shown import probabilities
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["AverageDrop"]


@dataclass(frozen=True)
class AverageDrop(Metric):
    """max(0, p - p(kept)) / p, the map scaled to [0, 1] as a mask (Chattopadhay et al., WACV 2018).

    What the mask removes shows the in-filler of the question (paper: black). A constant map keeps
    nothing.
    """

    higher_is_better: ClassVar[bool] = False

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each image."""
        whole, shown = probabilities(score, saliency)
        return (whole - shown).clamp(min=0) / whole.clamp(min=1e-6)
