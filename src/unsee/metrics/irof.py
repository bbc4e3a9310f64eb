"""IROF: how fast the probability falls while whole superpixels are removed."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.images.superpixels import check_segments, segment
from unsee.infillers.base import RowIndex
from unsee.infillers.mean import Mean
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["IROF"]


@dataclass(frozen=True)
class IROF(Metric):
    """Area over p / p(whole) while superpixels are removed, the highest-ranked first.

    Iterative removal of features: 1 - mean over k of p_k / p_0, where p_k is the probability of the
    class after k superpixels (SLIC) have been removed in the order of their mean importance. The
    mean colour of the remaining pixels replaces them, and not the in-filler of the score. At most
    1; negative if the probability rises on average. A constant map has one value, whatever its
    level: equal superpixels are ordered by a seeded shuffle.

    Reference: Rieger and Hansen, 2020, IROF: a low resource evaluation metric for explanation
    methods, https://arxiv.org/abs/2003.08747
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.segmentation",)

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1000.0, 1.0)

    segments: int = 300
    """Approximate number of superpixels; at most one per pixel."""

    def __post_init__(self) -> None:
        if self.segments < 1:
            raise InputError(f"irof: expected segments >= 1, got {self.segments}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the area of each image."""
        h, w = saliency.shape[1:]
        segments = min(self.segments, h * w)
        check_segments("irof", segments, score.images)
        score = replace(score, infiller=Mean(), measure=probability)
        numbers = torch.arange(len(saliency), device=saliency.device)
        areas = [
            _area_of_one(score.rows(numbers[i : i + 1]), one_map, segments)
            for i, one_map in enumerate(saliency)
        ]
        return torch.cat(areas)


def _area_of_one(
    score: MaskedScore, saliency: Float[Tensor, "h w"], segments: int
) -> Float[Tensor, " 1"]:
    segment_of = segment(score.images[0], "slic", segments).flatten()
    count = int(segment_of.max()) + 1
    importance = saliency.flatten().double()
    total = importance.new_zeros(count).index_add_(0, segment_of, importance)
    means = total / torch.bincount(segment_of, minlength=count).clamp(min=1)
    # rounded, so that equal means stay equal in any order of summation
    largest = importance.abs().max()
    means = (means / largest.where(largest > 0, 1.0) * 1e9).round()
    rank = masks.ranks(means.view(1, 1, -1))[0]
    removed = torch.arange(count + 1, device=rank.device).to(saliency)

    def draw(removed: Tensor, rows: RowIndex) -> Tensor:
        keep = rank[segment_of] >= removed[:, None]
        return keep.to(saliency).view(-1, 1, *saliency.shape)

    p = score(removed[None], draw=draw)[0]
    return (1 - (p / p[0].clamp(min=1e-6)).mean())[None]
