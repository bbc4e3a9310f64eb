"""Whether the probability rises when only the map is shown."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._shown import probabilities
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["AverageIncrease"]


@dataclass(frozen=True)
class AverageIncrease(Metric):
    """1 where p(kept) > p, the map scaled to [0, 1] as a mask (Chattopadhay et al., WACV 2018).

    What the mask removes shows the in-filler of the question (paper: black). A constant map keeps
    nothing.
    """

    higher_is_better: ClassVar[bool] = True
    coarse: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each image."""
        whole, shown = probabilities(score, saliency)
        return (shown > whole).to(whole)
