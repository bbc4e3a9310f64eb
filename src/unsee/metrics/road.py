"""ROAD: the probability after a removal that does not reveal the shape of the mask."""

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
"""Shares of the pixels that are removed."""


@dataclass(frozen=True)
class ROAD(Metric):
    """Mean probability after removal with noisy linear imputation (Rong et al., 2022).

    Remove and debias. The mean is over the removal of 10 to 90% of the pixels. `combined` is half
    of (least important pixels first) - (most important pixels first), as in pytorch-grad-cam, in
    [-0.5, 0.5]; `least_first` is the former alone, in [0, 1]. Noisy linear imputation replaces the
    removed pixels, and not the in-filler of the score. Equal pixels are ordered by a seeded
    shuffle.

    Reference: Rong et al., 2022, A consistent and efficient evaluation strategy for attribution
    methods, ICML, https://arxiv.org/abs/2202.00449
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-0.5, 1.0)

    order: Literal["combined", "least_first"] = "combined"
    """Order of removal."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the mean over all shares for each image."""
        score = replace(score, infiller=NoisyLinear(), measure=probability)
        least_first = _mean_probability(score, -saliency)
        if self.order == "least_first":
            return least_first
        return (least_first - _mean_probability(score, saliency)) / 2


def _mean_probability(score: MaskedScore, saliency: Saliency) -> Float[Tensor, " b"]:
    """Return the mean score while the highest-ranked pixels are removed."""
    rank = masks.ranks(saliency)
    pixels = saliency[0].numel()
    counts = saliency.new_tensor([round(share * pixels) for share in SHARES])

    def draw(counts: Tensor, rows: RowIndex) -> Tensor:
        keep = rank[rows.image] >= counts[:, None]
        return keep.to(saliency).view(-1, 1, *saliency.shape[1:])

    return score(counts.expand(len(saliency), -1), draw=draw).mean(1)
