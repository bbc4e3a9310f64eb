"""Scatter: into how many regions the highest-ranked pixels fall."""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["Scatter"]


def scatter(maps: SaliencyLike, share: float = 0.15) -> Float[Tensor, " b"]:
    """Return the number of 4-connected regions of the highest-ranked pixels of each map.

    `share = 1` is the whole image, and so 1. Equal pixels are ordered by a seeded shuffle, so that
    a constant map has many regions.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        share: Share of the pixels that is counted, in (0, 1].

    Raises:
        InputError: For a share outside (0, 1].

    Reference: Chang et al., 2019, Explaining image classifiers by counterfactual generation, ICLR,
    section 4.2, https://arxiv.org/abs/1807.08024, which discusses scattered maps without a number.
    """
    _check_share(share)
    from skimage.measure import label

    saliency = as_saliency(maps)
    tops = masks.top_share(saliency, share)[:, 0, 0].cpu().numpy()
    counts = [float(label(top, connectivity=1, return_num=True)[1]) for top in tops]
    return saliency.new_tensor(counts)


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise InputError(f"scatter: expected a share in (0, 1], got {share}")


@dataclass(frozen=True)
class Scatter(Metric):
    """Number of 4-connected regions of the highest-ranked share of the pixels.

    A statistic of the map, which needs no score: `scatter`. No upper limit; lower is more compact.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.measure",)

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    share: float = 0.15
    """Share of the pixels that is counted, in (0, 1]."""

    def __post_init__(self) -> None:
        _check_share(self.share)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the number of regions of each map."""
        return scatter(saliency, self.share)
