"""AUC: how well the map separates the pixels of the object from the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Region, rate_regions
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["AUC"]


def auc(maps: SaliencyLike, regions: Sequence[Region]) -> Float[Tensor, " b"]:
    """Return the area under the ROC curve of each map as a detector of the object's pixels.

    The share of all pairs of a pixel on the object and one beside it in which the map ranks that on
    the object higher (Mann and Whitney's statistic). 1 for a map that is higher everywhere on the
    object, 0 for its inverse, 0.5 on average for a random one. Equal pixels are ordered by a seeded
    shuffle, so that a constant map has about 0.5. NaN for an image without a label, or one that the
    object fills.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        regions: Object of each image: a boolean mask (h, w), or boxes (n, 4) with x1, y1, x2, y2.

    Reference: Hanley and McNeil, 1982, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology, https://doi.org/10.1148/radiology.143.1.7063747
    """

    def area(saliency: Tensor, inside: Tensor) -> float:
        on, beside = int(inside.sum()), int((~inside).sum())
        if not beside:
            return torch.nan
        ranks = masks.ranks(saliency[None])[0][inside.flatten()]
        # Of the pixels before those of the object, on (on - 1) / 2 in all are its own.
        lost = ranks.long().sum().item() - on * (on - 1) // 2
        return 1 - lost / (on * beside)

    return rate_regions(as_saliency(maps), regions, area)


@dataclass(frozen=True)
class AUC(Metric):
    """Area under the ROC curve of the map's pixels, those of the labelled object against others.

    Needs labelled objects and no score: `auc`. In [0, 1]; NaN for an image without a label, or one
    that the object fills.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the area of each map."""
        return auc(saliency, [truth.region for truth in context.truths])
