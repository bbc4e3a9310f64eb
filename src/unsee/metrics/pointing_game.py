"""The pointing game: is the highest pixel on the object?"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import on_objects
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["PointingGame"]


@dataclass(frozen=True)
class PointingGame(Metric):
    """1 where the maximum lies within `tolerance` pixels of the object (Zhang et al., IJCV 2018).

    Of several equal maxima, the one nearest to their mean counts: a flat map points to the middle.
    """

    higher_is_better: ClassVar[bool] = True
    coarse: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    tolerance: float = 15.0
    """In pixels of the input, as published for photos of about 500 pixels a side."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """1 is a hit, 0 a miss, NaN where no object is labelled."""

        def hit(one: Tensor, inside: Tensor) -> float:
            best = (one == one.max()).nonzero().float()
            point = best[(best - best.mean(0)).square().sum(1).argmin()]
            away = (inside.nonzero() - point).square().sum(1).min().sqrt()
            return float(away.item() <= self.tolerance)

        return on_objects(saliency, context.truths, hit)
