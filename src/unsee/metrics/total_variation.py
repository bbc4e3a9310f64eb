"""Total variation: how rough the map is."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency, span
from unsee.types import Saliency

__all__ = ["TotalVariation"]


def total_variation(maps: SaliencyLike) -> Float[Tensor, " b"]:
    """Return the total variation of each map scaled to [0, 1] by its extremes.

    mean |s[y + 1, x] - s[y, x]| + mean |s[y, x + 1] - s[y, x]|, in [0, 2]. 0 for a constant map; a
    map that is multiplied by a positive factor keeps its value.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction,
    https://arxiv.org/abs/1805.08249
    """
    saliency = as_saliency(maps)
    return masks.total_variation(saliency[:, None], power=1) / span(saliency)


@dataclass(frozen=True)
class TotalVariation(Metric):
    """Mean absolute difference of neighbouring pixels of the rescaled map (Zolna et al., 2018).

    A statistic of the map, which needs no score: `total_variation`. In [0, 2]; lower is smoother.
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the total variation of each map."""
        return total_variation(saliency)
