"""IROF: removal of whole superpixels."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.images.superpixels import check_segments, cut
from unsee.infillers.base import RowIndex
from unsee.infillers.mean import Mean
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["IROF"]


@dataclass(frozen=True)
class IROF(Metric):
    """Iterative removal of features (Rieger & Hansen 2020): area over the relative probability.

    Superpixels (SLIC) go in the order of their mean importance and show the mean colour of what is
    left; the area over p / p(whole) is taken with one step for each superpixel.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1000.0, 1.0)

    segments: int = 300
    """Superpixels wanted."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """1 - mean of p / p(whole)."""
        h, w = saliency.shape[1:]
        wanted = min(self.segments, h * w)
        check_segments("irof", wanted, score.images)
        asked = replace(score, infiller=Mean(), measure=probability)
        everyone = torch.arange(len(saliency), device=saliency.device)
        found = [
            self._one(asked.rows(everyone[i : i + 1]), one, wanted)
            for i, one in enumerate(saliency)
        ]
        return torch.cat(found)

    def _one(
        self, score: MaskedScore, saliency: Float[Tensor, "h w"], wanted: int
    ) -> Float[Tensor, " 1"]:
        pieces = cut(score.images[0], "slic", wanted).flatten()
        count = int(pieces.max()) + 1
        flat = saliency.flatten().double()
        total = flat.new_zeros(count).index_add_(0, pieces, flat)
        means = total / torch.bincount(pieces, minlength=count).clamp(min=1)
        # equal means stay equal however they were summed; their order is a seeded shuffle
        means = (means / flat.abs().max().clamp(min=1e-12) * 1e9).round()
        rank = masks.ranks(means.view(1, 1, -1))[0]
        gone = torch.arange(count + 1, device=rank.device).to(saliency)

        def draw(steps: Tensor, rows: RowIndex) -> Tensor:
            stays = rank[pieces] >= steps[:, None]
            return stays.to(saliency).view(-1, 1, *saliency.shape)

        p = score(gone[None], draw=draw)[0]
        return (1 - (p / p[0].clamp(min=1e-6)).mean())[None]
