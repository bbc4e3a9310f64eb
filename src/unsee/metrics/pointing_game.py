"""Pointing game: whether the maximum of the map lies on the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Region, rate_regions
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["PointingGame"]

TOLERANCE = 15.0
"""Default tolerance in pixels."""
LEAST_SIDE = 224
"""Shorter side in pixels from which this default holds; below, it is the same share of the side."""


def pointing_game(
    maps: SaliencyLike, regions: Sequence[Region], tolerance: float | None = None
) -> Float[Tensor, " b"]:
    """Return 1 for each map whose maximum lies on the object or near it, and 0 otherwise.

    Near is a distance of at most `tolerance` pixels from the maximum to the closest pixel of the
    object. Of several equal maxima, the one closest to their mean position counts; a constant map
    points to the centre. NaN for an image without a label.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        regions: Object of each image: a boolean mask (h, w), or boxes (n, 4) with x1, y1, x2, y2.
        tolerance: Largest distance in pixels; `tolerance = 0` counts hits on the object alone. By
            default 15, or 15/224 of the shorter side where that is below 224 pixels.

    Reference: Zhang et al., 2018, Top-down neural attention by excitation backprop, IJCV,
    https://arxiv.org/abs/1608.00507
    """

    def hit(saliency: Tensor, inside: Tensor) -> float:
        maxima = (saliency == saliency.max()).nonzero().float()
        point = maxima[(maxima - maxima.mean(0)).square().sum(1).argmin()]
        distance = (inside.nonzero() - point).square().sum(1).min().sqrt()
        largest = _default(min(saliency.shape)) if tolerance is None else tolerance
        return float(distance.item() <= largest)

    return rate_regions(as_saliency(maps), regions, hit)


def _default(side: int) -> float:
    """Return the default tolerance for maps with this shorter side."""
    return TOLERANCE * min(1.0, side / LEAST_SIDE)


@dataclass(frozen=True)
class PointingGame(Metric):
    """1 if the maximum of the map lies on the labelled object, 0 otherwise (Zhang et al., 2018).

    Needs labelled objects and no score: `pointing_game`. NaN for an image without a label.
    """

    higher_is_better: ClassVar[bool] = True
    has_ties: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    tolerance: float | None = None
    """Largest distance to the object that counts as a hit, in pixels of the classifier's input
    (paper: 15 pixels on photos of about 500 pixels per side). None is 15 pixels, or 15/224 of the
    shorter side where that is below 224 pixels."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return 1 for a hit and 0 for a miss."""
        regions = [truth.region for truth in context.truths]
        return pointing_game(saliency, regions, self.tolerance)
