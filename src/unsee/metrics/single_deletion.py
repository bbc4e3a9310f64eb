"""Single deletion: do the patches that matter more cost more when they go alone?"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _similarity
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SingleDeletion"]


@dataclass(frozen=True)
class SingleDeletion(Metric):
    """Rank correlation of the map with the drop when each patch goes alone (Hesse et al. 2024).

    Patches of a grid are removed one at a time and in-filled by the in-filler of the question; the
    drop of the probability is set beside the map's mean in the patch. The paper's in-domain score
    (IDSDS) trains the classifier on images with missing patches instead; a generative in-filler, or
    a classifier that was trained so, comes near to that.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    grid: int = 4
    """Patches a side (paper: 4)."""

    def __post_init__(self) -> None:
        if self.grid < 2:
            raise InputError(f"single_deletion: expected grid >= 2, got {self.grid}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Spearman's correlation; 0 where the map or the drop is the same everywhere."""
        h, w = saliency.shape[1:]
        rows, columns = (torch.arange(n, device=saliency.device) * self.grid // n for n in (h, w))
        patch = rows[:, None] * self.grid + columns
        count = self.grid**2
        which = torch.arange(count, device=patch.device)
        keep = (patch != which[:, None, None]).to(saliency)
        keep = torch.cat([torch.ones_like(keep[:1]), keep])[None, :, None]
        scores = replace(score, measure=probability)(keep.expand(len(saliency), -1, -1, -1, -1))
        drops = scores[:, :1] - scores[:, 1:]
        flat = patch.flatten().expand(len(saliency), -1)
        means = saliency.new_zeros(len(saliency), count).scatter_reduce_(
            1, flat, saliency.flatten(1), "mean", include_self=False
        )
        return saliency.new_tensor(_similarity.each(means[:, None], drops[:, None]))
