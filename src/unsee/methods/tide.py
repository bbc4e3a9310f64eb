"""TIDE: optimise a pixel ranking by its deletion and insertion areas."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import name_of
from unsee.images.filters import gaussian_blur
from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.masking.soft_top_k import soft_top_k
from unsee.methods._checks import check_grid, check_not_negative, check_positive
from unsee.methods._prior import (
    GRADIENT,
    confidence,
    first_ranking,
    measure_of_first,
    source_of,
    standardise,
)
from unsee.methods._ranking_network import Ranking
from unsee.methods._warm_start import Initializer
from unsee.methods.base import MaskOptimizer, Method
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["TIDE"]

AREA_LIMITS = (1e-3, 1 - 1e-3)
"""Limits of the area share a, within which the soft top-k is well conditioned."""
DAMPING = 5.0
"""Damping of Adam. Cells whose gradient is small keep their first rank."""
LARGEST_RATE = 6.0
"""Largest rate of the first step."""
PASSES_OF_PRIOR = 2
"""Passes that the first ranking and the probability of the class cost."""


@dataclass(frozen=True)
class TIDE(MaskOptimizer):
    """Optimise a pixel ranking by its deletion and insertion areas (this project).

    TIDE stands for threshold-integrated deletion and insertion evidence. The parameters theta are a
    grid of n cells. Blurred with a Gaussian G of `blur` cells, they are the ranking

        s = G theta, which starts at theta = `prior` P.

    P is a first ranking with mean 0 and standard deviation 1: the signed class activation map of
    the last feature maps. Where a network has none, the ranking starts flat, since one that is read
    from the gradient misleads more than none (docs/truth.md); without steps it is the gradient. The
    ranking defines a mask for each area share a in (0, 1), the soft top-k

        m_a = softtopk(s, a n) = sigmoid(s + t_a), with t_a such that sum(m_a) = a n.

    The method minimises the deletion area less the insertion area of the ranking,

        E_a [score(1 - m_a) - insertion score(m_a)].

    Each step estimates the expectation by Monte Carlo with one a from each of `levels` equal strata
    of (0, 1), shared by both scores. The optimiser is damped Adam with a rate that falls linearly
    to 0: cells with a small gradient hardly move, so that P ranks what the score leaves open. A
    step costs 2 levels passes, all with a gradient. With p, the class's probability, the map is

        p s / sd(s) + (1 - p) G P / sd(G P).

    A class of low probability competes with others in every mask, and its areas do not say where it
    is; its map is therefore the first ranking.

    Identities:
        - `prior = 0` starts from a flat ranking, and the map is s / sd(s).
        - `insertion = 0` is deletion alone.
        - `steps = 0` is the first ranking.
        - At the flat start, s = 0, every m_a is the constant a. The gradient is then that of the
          first step of iGOS++: the integrated gradient of score(t 1) and score(1 - t 1).

    With segments of the photo in place of the grid, G blurs over neighbouring slots (see
    `masking.slots`), area shares are shares of the pixels, and P is averaged over each segment.

    Compared with iGOS++, masks are level sets of one ranking instead of multiples of two masks, so
    that neither sparsity nor a line search is needed. As s grows, masks become binary, and a
    generative in-filler receives proper holes.

    Related work. iGOS++ (S. Khorram, T. Lawson, F. Li, CHIL 2021,
    https://arxiv.org/abs/2012.15783) averages deletion and insertion scores over multiples of a
    mask. Ablation Path Saliency (J. Sagemüller, O. Verdier, https://arxiv.org/abs/2209.12459)
    optimises a path of masks of growing area; here the path is that of one ranking. AHA
    (D. Schinagl et al., "Learn to Rank", https://arxiv.org/abs/2604.05819) trains a network whose
    rankings optimise deletion and insertion, through a Gumbel-Sinkhorn relaxation of sorting. MDA
    (C. Walker, S. K. Jha, R. Ewetz, ICLR 2025, https://openreview.net/forum?id=rGP2jbWt0l) orders
    the patches of a vision transformer and sets their magnitudes, guided by attribution metrics. To
    optimise these metrics is therefore not new. Ours is the combination: for each photo, gradient
    descent on one grid, soft masks of random area in place of a relaxed sorting, a first ranking
    that holds where the score says nothing, and the mixture by p.

    The soft top-k is that of variational saliency (`variational`), the first ranking that of
    Grad-CAM with its sign (`grad_cam`).
    """

    traits = replace(
        MaskOptimizer.traits, cells=("grid",), infiller=("blur", {"sigma": 50, "kernel": 51})
    )

    grid: int = 28
    """Number of cells per side of the grid."""
    blur: float = 1.0
    """Standard deviation of the Gaussian in cells; more gives fewer and larger regions, 0 none."""
    prior: float = 2.0
    """Standard deviation of the ranking at the start; 0 starts from a flat ranking."""
    steps: int = 200
    """Number of optimisation steps; 0 returns the first ranking."""
    levels: int = 2
    """Number of area shares a in each step; each costs one deletion and one insertion pass."""
    distance: float = 400.0
    """Largest sum of the rates of all steps: how far a cell with a constant gradient moves, in
    units that `DAMPING` divides. More steps than 130 therefore take smaller ones."""
    insertion: float = 1.0
    """Weight of the insertion area; 0 is deletion alone."""
    layer: str | None = None
    """Layer whose feature maps give the first ranking, or `gradient`. None takes the last layer
    with such maps; where a network has none, `prior` is 0."""

    def __post_init__(self) -> None:
        check_positive("tide", levels=self.levels, distance=self.distance)
        check_not_negative("tide", steps=self.steps, blur=self.blur, prior=self.prior)

    @property
    def passes(self) -> int:
        """Number of passes of one step: a deletion and an insertion for each area share."""
        return 2 * self.levels

    def with_budget(self, passes: int, size: Size) -> "TIDE":
        """Return this method with as many steps as the passes pay for, beside the prior."""
        return replace(self, steps=max(0, (passes - PASSES_OF_PRIOR) // self.passes))

    def fitted(self, score: MaskedScore) -> Method:
        """Return this method with the name of the layer that the first ranking is read from.

        Where a network has no feature maps, it starts flat, unless the gradient is asked for.
        """
        method: Method = super().fitted(score)
        if not self.prior or self.warm_start is not None:
            return method
        source = source_of(score, self.layer)
        settings: dict[str, Any] = {"layer": source}
        if source == GRADIENT and self.layer is None and self.steps:
            settings = {"prior": 0.0}
        return replace(method, **settings)  # type: ignore[type-var]

    @property
    def update_rule(self) -> Optimizer:
        """Damped Adam with a rate that falls linearly to 0."""
        rate = min(2 * self.distance / max(self.steps, 1), LARGEST_RATE)
        return Adam(rate, fade=self.steps, damping=DAMPING)

    def start(self, score: MaskedScore) -> Theta:
        """Return a grid (b, 1, 1, g, g): the first ranking, or zeros."""
        check_grid("tide", self.grid, score)
        if not self.prior:
            return score.images.new_zeros(len(score.images), 1, 1, self.grid, self.grid)
        return self.prior * first_ranking(score, self.grid, self.layer)

    def measure_weights(self, score: MaskedScore) -> list[dict[str, float]]:
        """Return p for the score's measure, and 1 - p for that of the first ranking."""
        own, first = name_of(score.measure), name_of(measure_of_first(score))
        if own == first or not self.prior or self.warm_start is not None:
            return super().measure_weights(score)
        shares = confidence(score).tolist() if self.steps else [0.0] * len(score.images)
        return [{own: round(p, 6), first: round(1 - p, 6)} for p in shares]

    @property
    def initializer(self) -> Initializer:
        """Rule that takes a ranking, standardised, in place of the first one."""
        return self._replaced

    def _replaced(self, theta: Theta, ranking: Ranking) -> Theta:
        resized = masks.resize(ranking, (self.grid, self.grid))[:, 0, 0]
        return (self.prior or 1.0) * standardise(resized)[:, None, None]

    def ranking(self, theta: Theta) -> Float[Tensor, "b 1 1 g g"]:
        """Return the ranking s: the blurred parameters."""
        return gaussian_blur(theta[:, 0], self.blur)[:, None] if self.blur else theta

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the estimated deletion area less insertion area."""
        return curve_area_loss(score, step, self.ranking(theta), self.levels, self.insertion)

    def project(self, theta: Theta) -> Theta:
        """Return the parameters unchanged: they have no constraint."""
        return theta

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the ranking at the size of the images, mixed with the first one."""
        maps = standardise(self.ranking(theta)[:, 0, 0])
        if self.prior:
            p = confidence(score)[:, None, None]
            first = standardise(self.ranking(self.begin(score))[:, 0, 0])
            maps = p * maps + (1 - p) * first
        return score.to_pixels(maps[:, None, None])[:, 0, 0]


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
    weight = None if score.slots is None else score.slots.sizes.flatten(2)
    top = soft_top_k(scores[:, None].expand(-1, levels, -1), count, weight=weight)
    top = top.unflatten(2, (1, *ranking.shape[-2:]))
    results = score(torch.cat([1 - top, top], 1), step=step)
    deleted, inserted = results.unflatten(1, (2, levels)).mean(2).unbind(1)
    return deleted - insertion * inserted
