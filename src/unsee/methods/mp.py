"""MP: the smallest smooth hole that hides the object."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_not_negative, check_positive, top_of
from unsee.types import Losses, Saliency, Theta, Variants

__all__ = ["MP"]


@dataclass(frozen=True)
class MP(MaskOptimizer):
    """Meaningful perturbation (Fong & Vedaldi, ICCV 2017).

    Over keep in [0, 1] minimises, with the image jittered by a few pixels,

        score(keep) + sparsity sum(1 - keep) + smoothness sum(|grad keep|^power)

    The sums run over the cells of the mask. Settings as in Agarwal & Nguyen (ACCV 2020).
    """

    traits = replace(MaskOptimizer.traits, infiller=("blur", {"sigma": 10, "kernel": 0}))

    grid: int = 28
    """Cells per side of the mask."""
    steps: int = 300
    """Optimisation steps."""
    rate: float = 0.1
    """Adam's rate."""
    sparsity: float = 1e-4
    """Weight of the number of cells removed."""
    smoothness: float = 1e-2
    """Weight of the variation between neighbouring cells."""
    power: float = 3.0
    """To which differences are raised."""
    jitter: int = 4
    """Largest shift of the perturbed image, in pixels."""

    def __post_init__(self) -> None:
        check_positive("mp", steps=self.steps, power=self.power)
        check_not_negative("mp", jitter=self.jitter)

    @property
    def passes(self) -> int:
        """A single mask."""
        return 1

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a constant rate."""
        return Adam(self.rate)

    def start(self, score: MaskedScore) -> Theta:
        """Uniformly random."""
        check_grid("mp", self.grid, score)
        return score.random.uniform(0, 1, 1, self.grid, self.grid, stream="start")

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """What is removed is what is high."""
        return 1 - top_of(hills, theta.shape[-2:])

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """What is left of the score, and the cost of the hole."""
        shifts = (score.random.uniform(step, 2, stream="jitter") * (self.jitter + 1)).long()

        def jittered(variants: Variants, rows: RowIndex) -> Variants:
            if not self.jitter:
                return variants
            h, w = variants.shape[-2:]
            larger = F.interpolate(variants, (h + self.jitter, w + self.jitter), mode="bilinear")
            corners = shifts[rows.image].tolist()
            cut = [v[:, y : y + h, x : x + w] for v, (y, x) in zip(larger, corners, strict=True)]
            return torch.stack(cut)

        area = (1 - theta).flatten(1).sum(1)
        edges = self.grid * max(self.grid - 1, 1) * masks.total_variation(theta, self.power)
        left = score(theta, step=step, view=jittered).mean(1)
        return left + self.sparsity * area + self.smoothness * edges

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """How much of each cell is removed."""
        return masks.resize(1 - theta, score.images.shape[-2:])[:, 0, 0]
