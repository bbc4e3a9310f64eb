"""Precision: how many of the highest-ranked pixels lie on the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Region, rate_regions
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["Precision"]


def precision(
    maps: SaliencyLike, regions: Sequence[Region], share: float = 0.05
) -> Float[Tensor, " b"]:
    """Return the share of the highest-ranked pixels of each map that lie on the object.

    `share = 0` takes as many pixels as the object has, so that precision is recall. A share of less
    than a pixel takes one. A random map has the object's share of the image on average. Equal
    pixels are ordered by a seeded shuffle. NaN for an image without a label.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        regions: Object of each image: a boolean mask (h, w), or boxes (n, 4) with x1, y1, x2, y2.
        share: Share of the pixels that is counted, in [0, 1].

    Raises:
        InputError: For a share outside [0, 1].
    """
    _check_share(share)

    def hits(saliency: Tensor, inside: Tensor) -> float:
        count = max(1, round(share * saliency.numel())) if share else int(inside.sum())
        top = masks.ranks(saliency[None])[0] < count
        return inside.flatten()[top].double().mean().item()

    saliency = as_saliency(maps)
    return rate_regions(saliency, regions, hits)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise InputError(f"precision: expected a share in [0, 1], got {share}")


@dataclass(frozen=True)
class Precision(Metric):
    """Share of the map's highest-ranked pixels that lie on the labelled object.

    Needs labelled objects and no score: `precision`. In [0, 1]; NaN for an image without a label.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    share: float = 0.05
    """Share of the pixels that is counted, in [0, 1]; 0 takes as many as the object has."""

    def __post_init__(self) -> None:
        _check_share(self.share)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each map."""
        return precision(saliency, [truth.region for truth in context.truths], self.share)
