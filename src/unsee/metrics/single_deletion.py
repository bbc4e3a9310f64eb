"""Single deletion: whether patches with a higher importance cause a larger drop."""

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
    """Rank correlation of the map with the drop when each patch is removed alone.

    Spearman's correlation, over the patches of a grid, of the map's mean in the patch with the drop
    of the probability when the in-filler of the score replaces the patch. In the paper's in-domain
    score (IDSDS) the classifier is trained on images with missing patches; a generative in-filler,
    or a classifier that was trained so, comes close to that. In [-1, 1]; 0 if the map or the drop
    is the same for all patches.

    Reference: Hesse et al., 2024, Benchmarking the attribution quality of vision models, NeurIPS,
    https://arxiv.org/abs/2407.11910
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    grid: int = 4
    """Number of patches per side (paper: 4)."""

    def __post_init__(self) -> None:
        if self.grid < 2:
            raise InputError(f"single_deletion: expected grid >= 2, got {self.grid}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the correlation of each map."""
        h, w = saliency.shape[1:]
        rows, columns = (torch.arange(n, device=saliency.device) * self.grid // n for n in (h, w))
        patch_of = rows[:, None] * self.grid + columns
        count = self.grid**2
        patches = torch.arange(count, device=patch_of.device)
        keep = (patch_of != patches[:, None, None]).to(saliency)
        keep = torch.cat([torch.ones_like(keep[:1]), keep])[None, :, None]
        scores = replace(score, measure=probability)(keep.expand(len(saliency), -1, -1, -1, -1))
        drops = scores[:, :1] - scores[:, 1:]
        means = saliency.new_zeros(len(saliency), count).scatter_reduce_(
            1,
            patch_of.flatten().expand(len(saliency), -1),
            saliency.flatten(1),
            "mean",
            include_self=False,
        )
        return saliency.new_tensor(_similarity.similarities(means[:, None], drops[:, None]))
