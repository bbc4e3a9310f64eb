"""Outside box: how much of the mask lies outside the object."""

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

__all__ = ["OutsideBox"]


def outside_box(
    maps: SaliencyLike, regions: Sequence[Region], level: float = 0.5
) -> Float[Tensor, " b"]:
    """Return the share of the pixels above a level that lie outside the object.

    #(s > level, outside) / #(s > level). NaN for an image without a label, and for a map without a
    pixel above the level.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        regions: Object of each image: a boolean mask (h, w), or boxes (n, 4) with x1, y1, x2, y2.
        level: Level above which a pixel belongs to the mask. FIDO's maps are probabilities to keep
            a pixel, and its mask is where they exceed 1/2.

    Reference: Chang et al., 2019, Explaining image classifiers by counterfactual generation, ICLR,
    Figure 5, https://arxiv.org/abs/1807.08024
    """

    def share(saliency: Tensor, inside: Tensor) -> float:
        mask = saliency > level
        return ((mask & ~inside).sum() / mask.sum()).item()  # NaN for an empty mask

    return rate_regions(as_saliency(maps), regions, share)


@dataclass(frozen=True)
class OutsideBox(Metric):
    """Share of the pixels above a level that lie outside the labelled object (Chang et al., 2019).

    Needs labelled objects and no score: `outside_box`. In [0, 1]; NaN for an image without a label,
    and for a map without a pixel above the level.
    """

    higher_is_better: ClassVar[bool] = False
    needs_truth: ClassVar[bool] = True

    level: float = 0.5
    """Level above which a pixel belongs to the mask."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each map."""
        return outside_box(saliency, [truth.region for truth in context.truths], self.level)
