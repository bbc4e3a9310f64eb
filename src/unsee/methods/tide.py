"""TIDE: optimise a pixel ranking by its deletion and insertion areas."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import Ranking
from unsee.methods._warm_start import Initializer
from unsee.methods.base import MaskOptimizer, check_grid, check_positive
from unsee.types import Losses, Saliency, Theta

__all__ = ["TIDE"]

AREA_LIMITS = (1e-3, 1 - 1e-3)
"""Limits of the area share a, within which the soft top-k is well conditioned."""
INITIAL_SCALE = 1.0
"""Standard deviation of the logits of a warm start, chosen among 0.25 to 2."""
WARM_RATE_FACTOR = 2.0
"""Factor of Adam's rate from a warm start, which reaches the same loss in half of the steps."""
WARM_DECAY = (0.9, 0.95)
"""Adam's decay rates of the mean and the squared gradient from a warm start."""


@dataclass(frozen=True)
class TIDE(MaskOptimizer):
    """Optimise a pixel ranking by its deletion and insertion areas (this project).

    TIDE stands for threshold-integrated deletion and insertion evidence. Parameters are `scales`
    grids theta_j, from coarse to fine. Their sum, up-sampled bilinearly to the finest grid of n
    cells, is the ranking

        s = sum_j up(theta_j).

    The ranking defines a mask for each area share a in (0, 1): the soft top-k

        m_a = softtopk(s, a n) = sigmoid(s + t_a), with t_a such that sum(m_a) = a n.

    The method minimises the deletion area less the insertion area of the ranking,

        E_a [score(1 - m_a) - insertion score(m_a)] + smoothness TV(sigmoid(s)),

    with a uniform in (0, 1). Each step estimates the expectation by Monte Carlo with one a from
    each of `levels` equal strata of (0, 1), shared by both scores. The optimiser is Adam with a
    rate that falls linearly to 0. A run costs 2 levels x steps passes, all with a gradient. The map
    is s.

    Identities:
        - `insertion = 0` is deletion alone.
        - `scales = 1` is a single grid.
        - At the flat start, s = 0, every m_a is the constant a. The gradient is then that of the
          first step of iGOS++: the integrated gradient of score(t 1) and score(1 - t 1).

    Compared with iGOS++, masks are level sets of one ranking instead of multiples of two masks, so
    that neither sparsity nor a line search is needed. As s grows, masks become binary, and a
    generative in-filler receives proper holes. Coarse grids move first, because the gradients of
    their cells add up.

    Related work: iGOS++ (S. Khorram, T. Lawson, F. Li, CHIL 2021,
    https://arxiv.org/abs/2012.15783) averages deletion and insertion scores over multiples of a
    mask. Ablation Path Saliency (J. Sagemüller, O. Verdier, https://arxiv.org/abs/2209.12459)
    optimises a path of masks of growing area; here the path is that of one ranking. The soft top-k
    is that of variational saliency (`variational`).
    """

    traits = replace(MaskOptimizer.traits, infiller=("blur", {"sigma": 50, "kernel": 51}))

    grid: int = 28
    """Number of cells per side of the finest grid."""
    scales: int = 3
    """Number of grids; each has half as many cells per side as the next finer one."""
    steps: int = 200
    """Number of optimisation steps."""
    levels: int = 2
    """Number of area shares a in each step; each costs one deletion and one insertion pass."""
    rate: float = 0.5
    """Initial rate of Adam, which falls linearly to 0; from a warm start, twice this rate."""
    insertion: float = 1.0
    """Weight of the insertion area; 0 is deletion alone."""
    smoothness: float = 0.0
    """Weight of the total variation of sigmoid(s); more gives fewer and larger regions."""

    def __post_init__(self) -> None:
        check_positive(
            "tide", steps=self.steps, levels=self.levels, rate=self.rate, scales=self.scales
        )

    @property
    def passes(self) -> int:
        """Number of passes of one step: a deletion and an insertion for each area share."""
        return 2 * self.levels

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a rate that falls linearly to 0."""
        if self.warm_start is None:
            return Adam(self.rate, fade=self.steps)
        return Adam(WARM_RATE_FACTOR * self.rate, fade=self.steps, decay=WARM_DECAY)

    @property
    def _sides(self) -> list[int]:
        """Number of cells per side of each grid, from coarse to fine."""
        return [max(1, round(self.grid / 2**scale)) for scale in reversed(range(self.scales))]

    def start(self, score: MaskedScore) -> Theta:
        """Return grids (b, cells of all grids) of zeros: a flat ranking."""
        check_grid("tide", self.grid, score)
        return score.images.new_zeros(len(score.images), sum(n * n for n in self._sides))

    def ranking(self, theta: Theta) -> Float[Tensor, "b 1 1 g g"]:
        """Return the ranking s: the sum of all grids at the size of the finest."""
        grids = theta.split([n * n for n in self._sides], 1)
        ranking = theta.new_zeros(len(theta), 1, 1, self.grid, self.grid)
        for n, grid in zip(self._sides, grids, strict=True):
            ranking = ranking + masks.resize(grid.unflatten(1, (1, 1, n, n)), ranking.shape[-2:])
        return ranking

    @property
    def initializer(self) -> Initializer:
        """Rule that puts a ranking, standardised, into the finest grid."""
        return self._with_finest_grid

    def _with_finest_grid(self, theta: Theta, ranking: Ranking) -> Theta:
        finest = masks.resize(ranking, (self.grid, self.grid)).flatten(1)
        finest = finest - finest.mean(1, keepdim=True)
        deviation = finest.square().mean(1, keepdim=True).sqrt()
        finest = INITIAL_SCALE * finest / (deviation + 1e-6)
        return torch.cat([theta[:, : -(self.grid**2)], finest], 1)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the estimated deletion area less insertion area, plus the penalty."""
        ranking = self.ranking(theta)
        loss = curve_area_loss(score, step, ranking, self.levels, self.insertion)
        if self.smoothness:
            loss = loss + self.smoothness * masks.total_variation(ranking.sigmoid())
        return loss

    def project(self, theta: Theta) -> Theta:
        """Return the parameters unchanged: they have no constraint."""
        return theta

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the ranking s at the size of the images; 0 is the flat start."""
        return masks.resize(self.ranking(theta), score.images.shape[-2:])[:, 0, 0]


def curve_area_loss(
    score: MaskedScore,
    step: int,
    ranking: Float[Tensor, "b 1 1 g g"],
    levels: int,
    insertion: float = 1.0,
) -> Losses:
    """Estimate the deletion area less `insertion` times the insertion area of a ranking.

    The estimate takes one area share from each of `levels` equal strata of (0, 1).
    """
    scores = ranking.flatten(1)
    area = torch.arange(levels, device=ranking.device) + score.random.uniform(step, 1)
    count = (area / levels).clamp(*AREA_LIMITS) * scores.shape[1]
    top = masks.soft_top_k(scores[:, None].expand(-1, levels, -1), count)
    top = top.unflatten(2, (1, *ranking.shape[-2:]))
    results = score(torch.cat([1 - top, top], 1), step=step)
    deleted, inserted = results.unflatten(1, (2, levels)).mean(2).unbind(1)
    return deleted - insertion * inserted
