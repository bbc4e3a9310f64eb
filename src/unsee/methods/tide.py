"""TIDE: one landscape whose every water level is a question to the classifier."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_positive
from unsee.types import Losses, Saliency, Theta

__all__ = ["TIDE"]

FOOTHILLS = 1.0
"""Deviation of a landscape that a descent begins with. Of those between .25 and 2 it saves most."""
HASTE = 2.0
"""How much faster a descent from a warm start goes: in half of the steps as far."""
MEMORY = 0.95
"""And how short Adam remembers squared gradients then."""


@dataclass(frozen=True)
class TIDE(MaskOptimizer):
    """Threshold-integrated deletion and insertion evidence: our own, in the line of iGOS++.

    A landscape s over the image is the sum of grids from coarse to fine. At level a the water
    covers all but the highest share a of it, softly: m_a = soft top-k of s with k = a n. Minimises

        E_a [ score(1 - m_a) - insertion score(m_a) ] + smoothness TV(sigmoid(s))

    with a uniform in (0, 1): the deletion curve's area less the insertion curve's, of the ranking
    itself instead of a mask that is scaled along a path (iGOS++): no sparsity, no second mask, no
    line search. Flat, as at the start, all m_a are a and the gradient is that of iGOS++'s first
    step. Levels are drawn anew in each step, one from each of `levels` equal parts; masks harden as
    the landscape grows, so that a generative in-filler sees true holes. Coarse grids move first,
    since all their cells pull together. Passes: 2 levels x steps, all with gradient.
    """

    traits = replace(MaskOptimizer.traits, infiller=("blur", {"sigma": 50, "kernel": 51}))

    grid: int = 28
    """Cells per side of the finest grid."""
    scales: int = 3
    """Grids, each half as fine as the one before."""
    steps: int = 200
    """Optimisation steps."""
    levels: int = 2
    """Levels asked in a step, each to delete and to insert."""
    rate: float = 0.5
    """Adam's rate, falling linearly to zero; from a warm start twice that."""
    insertion: float = 1.0
    """Weight of what should stay when only the top is shown."""
    smoothness: float = 0.0
    """Weight of the mean squared difference of neighbours in sigmoid(s): fewer, larger regions."""

    def __post_init__(self) -> None:
        check_positive(
            "tide", steps=self.steps, levels=self.levels, rate=self.rate, scales=self.scales
        )

    @property
    def passes(self) -> int:
        """Each level deletes and inserts."""
        return 2 * self.levels

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a falling rate."""
        if self.warm_start:
            return Adam(HASTE * self.rate, fade=self.steps, decay=(0.9, MEMORY))
        return Adam(self.rate, fade=self.steps)

    @property
    def _grids(self) -> list[int]:
        return [max(1, round(self.grid / 2**scale)) for scale in reversed(range(self.scales))]

    def start(self, score: MaskedScore) -> Theta:
        """A flat landscape."""
        check_grid("tide", self.grid, score)
        return score.images.new_zeros(len(score.images), sum(n * n for n in self._grids))

    def landscape(self, theta: Theta) -> Float[Tensor, "b 1 1 g g"]:
        """The sum of all grids, at the finest."""
        parts = theta.split([n * n for n in self._grids], 1)
        height = theta.new_zeros(len(theta), 1, 1, self.grid, self.grid)
        for n, part in zip(self._grids, parts, strict=True):
            height = height + masks.resize(part.unflatten(1, (1, 1, n, n)), height.shape[-2:])
        return height

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """The finest grid is the trained landscape, no higher than that a descent comes away."""
        fine = masks.resize(hills, (self.grid, self.grid)).flatten(1)
        fine = fine - fine.mean(1, keepdim=True)
        spread = fine.square().mean(1, keepdim=True).sqrt()
        return torch.cat([theta[:, : -(self.grid**2)], FOOTHILLS * fine / (spread + 1e-6)], 1)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """What is left without the top, less what the top alone brings, over a few levels."""
        hills = self.landscape(theta)
        loss = between_curves(score, step, hills, self.levels, self.insertion)
        if self.smoothness:
            loss = loss + self.smoothness * masks.total_variation(hills.sigmoid())
        return loss

    def project(self, theta: Theta) -> Theta:
        """Any height will do."""
        return theta

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """The landscape; 0 is where it was flat."""
        return masks.resize(self.landscape(theta), score.images.shape[-2:])[:, 0, 0]


def between_curves(
    score: MaskedScore,
    step: int,
    hills: Float[Tensor, "b 1 1 g g"],
    levels: int,
    insertion: float = 1.0,
) -> Losses:
    """What is left without the top, less what the top alone brings, over a few levels."""
    heights = hills.flatten(1)
    share = torch.arange(levels, device=hills.device) + score.random.uniform(step, 1)
    count = (share / levels).clamp(1e-3, 1 - 1e-3) * heights.shape[1]
    top = masks.soft_top_k(heights[:, None].expand(-1, levels, -1), count)
    top = top.unflatten(2, (1, *hills.shape[-2:]))
    scores = score(torch.cat([1 - top, top], 1), step=step)
    deleted, inserted = scores.unflatten(1, (2, levels)).mean(2).unbind(1)
    return deleted - insertion * inserted
