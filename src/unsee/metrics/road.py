"""ROAD: removal that leaves no trace of the mask's shape."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.infillers.base import RowIndex
from unsee.infillers.noisy_linear import NoisyLinear
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["ROAD"]

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the pixels that are removed."""


@dataclass(frozen=True)
class ROAD(Metric):
    """Remove and debias (Rong et al., ICML 2022): mean probability under noisy linear imputation.

    Over removals of 10 to 90 % of the pixels, the most important first or the least; `combined` is
    (least - most) / 2. Ties are broken by a fixed shuffle.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    order: Literal["combined", "least_first"] = "combined"
    """What is removed first."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The mean over all shares."""
        asked = replace(score, infiller=NoisyLinear(), measure=probability)

        def mean(ranked: Saliency) -> Float[Tensor, " b"]:
            order = masks.ranks(ranked)
            pixels = ranked[0].numel()
            counts = ranked.new_tensor([round(share * pixels) for share in SHARES])

            def draw(count: Tensor, rows: RowIndex) -> Tensor:
                stays = order[rows.image] >= count[:, None]
                return stays.to(ranked).view(-1, 1, *ranked.shape[1:])

            return asked(counts.expand(len(ranked), -1), draw=draw).mean(1)

        least = mean(-saliency)
        return least if self.order == "least_first" else (least - mean(saliency)) / 2
