"""Volume: how much of the image the map covers."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, SaliencyLike, as_mask, as_saliency
from unsee.types import Saliency

__all__ = ["Volume"]


def volume(maps: SaliencyLike, mask: MaskSource = "rescaled") -> Float[Tensor, " b"]:
    """Return the mean of each map as a soft mask.

    0 for a constant map that is rescaled.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        mask: "rescaled" scales each map to [0, 1] by its extremes; "raw" takes maps that are masks
            already as they are.

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction,
    https://arxiv.org/abs/1805.08249
    """
    return as_mask(as_saliency(maps), mask).flatten(1).mean(1)


@dataclass(frozen=True)
class Volume(Metric):
    """Mean of the map as a soft mask: the share of the image that it covers (Zolna et al., 2018).

    A statistic of the map, which needs no score: `volume`. In [0, 1].
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False

    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw)."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the volume of each map."""
        return volume(saliency, self.mask)
