"""Total variation: how rough the map is."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["TotalVariation"]


@dataclass(frozen=True)
class TotalVariation(Metric):
    """Mean absolute difference of neighbouring pixels of the map scaled to [0, 1].

    Over rows and columns; scaled by the map's extremes. One of CASM's statistics of masks.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each map; 0 where it is constant."""
        low, high = saliency.flatten(1).aminmax(dim=1)
        span = (high - low).clamp(min=1e-12)
        return masks.total_variation(saliency[:, None], power=1) / span
