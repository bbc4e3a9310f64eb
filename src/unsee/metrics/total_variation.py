"""Total variation: how rough the map is."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, SaliencyLike, as_mask, as_saliency
from unsee.types import Saliency

__all__ = ["TotalVariation"]


def total_variation(maps: SaliencyLike, mask: MaskSource = "rescaled") -> Float[Tensor, " b"]:
    """Return the total variation of each map as a soft mask.

    mean |m[y + 1, x] - m[y, x]| + mean |m[y, x + 1] - m[y, x]|, in [0, 2]. 0 for a constant map. A
    map that is rescaled keeps its value if it is multiplied by a positive factor.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        mask: "rescaled" scales each map to [0, 1] by its extremes; "raw" takes maps that are masks
            already as they are.

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction,
    https://arxiv.org/abs/1805.08249
    """
    return masks.total_variation(as_mask(as_saliency(maps), mask)[:, None], power=1)


@dataclass(frozen=True)
class TotalVariation(Metric):
    """Mean absolute difference of neighbouring pixels of the map as a mask (Zolna et al., 2018).

    A statistic of the map, which needs no score: `total_variation`. In [0, 2]; lower is smoother.
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)

    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw)."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the total variation of each map."""
        return total_variation(saliency, self.mask)
