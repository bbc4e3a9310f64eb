"""iGOS++: a deletion and an insertion mask, optimised together along integrated gradients."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods import _path
from unsee.methods._checks import check_grid, check_not_negative, check_positive
from unsee.methods.base import MaskOptimizer
from unsee.types import Keep, Losses, Saliency, Size, Theta

__all__ = ["IGOSPlusPlus"]

POINTS_WITH_BUDGET = 2
"""Number of path points per step when a budget is set; each step samples new points."""


@dataclass(frozen=True)
class IGOSPlusPlus(MaskOptimizer):
    """Optimise a deletion and an insertion mask together (Khorram, Lawson & Li, CHIL 2021).

    With a deletion mask d and an insertion mask i in [0, 1], up-sampled bilinearly, the method
    minimises (equation 4)

        evidence [del(d) - ins(i) + del(d i) - ins(d i)] + sparsity mean(1 - d i)
            + smoothness BTV(d i)

    where del(m) = mean_t score(t m) and ins(m) = mean_t score(1 - t m) over t in (0, 1]. BTV is the
    bilateral total variation (equation 7), in which an edge of the image makes variation cheaper.
    The map is 1 - d i. With segments of the photo, masks have one value for each, the mean of
    1 - d i counts pixels, and plain variation compares neighbouring slots (see `masking.slots`).

    Reference: S. Khorram, T. Lawson, F. Li, "iGOS++: Integrated Gradient Optimized Saliency by
    Bilateral Perturbations", CHIL 2021, https://arxiv.org/abs/2012.15783.

    Departures from the paper, as in its published code (the paper: recipe `igos_pp-printed`):
        - Penalties are means, not sums, also in the recipe.
        - `evidence` is 1/2; the paper has 1, the code halves the direction of a step only.
        - Noise enters all four terms and the line search; in the paper, the terms of d and i only
          (`noisy = separate`).
        - BTV is half plain variation of the small mask plus half bilateral variation at the size of
          the image, which the paper's supplement allows; equation 7 is `variation = bilateral`.
          `edge` is 0.01 in place of sigma^2 = 1e-4.
    Departures from the published code, ours:
        - One draw of noise serves all evaluations of a step.
        - A line search starts near the last step size; `regrow = 0` is the published search.
        - `sparsity` is 1 at every grid; published: 10 at 224 x 224
          (recipe `igos_pp-published-224`).
    """

    traits = replace(
        MaskOptimizer.traits, cells=("grid",), infiller=("blur", {"sigma": 50, "kernel": 51})
    )

    grid: int = 28
    """Number of cells per side of the masks, from 1 to the side of the image."""
    path: int = 15
    """Number of points t on the integration path."""
    points: _path.Points = "fixed"
    """Points t: `fixed` takes t = s / path, as published; `drawn` draws one from each interval in
    every step."""
    steps: int = 20
    """Number of optimisation steps."""
    optimizer: _path.OptimizerName = "line_search"
    """Optimiser of the masks; published: line_search."""
    rate: float | None = None
    """First step size of a line search (default: 1000, as published), or fixed rate of descent
    (default: 5), which is plain gradient descent, nesterov (default: 1) and adam (default: 0.1)."""
    regrow: float = 5.0
    """Factor from the last step size to the first step size of the next line search; 0 starts
    every search at `rate`, as published (the same steps for a quarter more passes)."""
    evidence: float = 0.5
    """Weight of the four score terms (paper: 1)."""
    terms: Literal["bilateral", "deletion", "insertion", "naive"] = "bilateral"
    """Score terms: two masks and four terms, or an ablation of Table 3 with one mask that deletes,
    inserts, or does both in a plain sum (naive)."""
    together: int = 1
    """Number of step sizes that a line search evaluates in one batch. The steps are the same;
    more sizes take fewer batches and more passes, which suits a GPU with few images."""
    noise: float = 0.2
    """Standard deviation of the noise on the perturbed images, in units of the data's standard
    deviation."""
    noisy: Literal["all", "separate"] = "all"
    """Terms with noise: all, as in the published code, or those of d and of i alone (separate), as
    in the paper."""
    sparsity: float = 1.0
    """Weight of the mean removed share (published: 10 at 224 x 224)."""
    smoothness: float = 20.0
    """Weight of the total variation."""
    variation: Literal["mean", "bilateral", "plain"] = "mean"
    """Total variation: bilateral as in equation 7, plain, or the mean of both, as in the published
    code."""
    edge: float = 0.01
    """Scale of squared differences of normalised pixels above which variation is free."""
    reading: Literal["product", "deletion", "insertion"] = "product"
    """Mask of the map: the product d i, d (deletion) or i (insertion), as in Table 5."""

    def __post_init__(self) -> None:
        check_positive(
            "igos_pp", steps=self.steps, together=self.together, path=self.path, edge=self.edge,
            rate=self.rate,
        )  # fmt: skip
        check_not_negative("igos_pp", noise=self.noise, regrow=self.regrow)
        if self.terms != "bilateral" and (self.reading, self.noisy) != ("product", "all"):
            raise InputError(
                f"igos_pp: terms={self.terms} has one mask, so that reading and noisy have no "
                "meaning; omit them"
            )

    @property
    def passes(self) -> int:
        """Number of passes of one step: all terms at all points, without a line search."""
        return self.path * {"bilateral": 4, "naive": 2}.get(self.terms, 1)

    def with_budget(self, passes: int, size: Size) -> "IGOSPlusPlus":
        """Return a method with many steps of Adam at two drawn points, without noise.

        Among one to fourteen points, Nesterov or Adam, with or without noise, these settings came
        closest to the published line search on photos of the ImageNet validation sample. `path`,
        `points`, `optimizer` and `noise` are kept where they are not at their defaults.

        Raises:
            InputError: A setting of the line search is set.
        """
        return _path.within(
            self, passes, path=POINTS_WITH_BUDGET, points="drawn", optimizer="adam", noise=0.0
        )

    @property
    def update_rule(self) -> Optimizer:
        """Optimiser that the setting `optimizer` names."""
        return _path.optimizer_named(self.optimizer, self.rate, self.regrow, self.together)

    def start(self, score: MaskedScore) -> Theta:
        """Return masks that remove nothing."""
        check_grid("igos_pp", self.grid, score)
        count = 2 if self.terms == "bilateral" else 1
        return score.images.new_ones(len(score.images), count, 1, self.grid, self.grid)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return deletion scores less insertion scores plus the penalties of the masks."""
        small = theta.prod(1, keepdim=True)
        fine = score.to_pixels(theta, align_corners=True)
        product = fine.prod(1, keepdim=True)
        t = _path.points(score, step, self.path, self.points)
        deleting, inserting = {
            "bilateral": ([fine[:, :1], product], [fine[:, 1:], product]),
            "deletion": ([product], []),
            "insertion": ([], [product]),
            "naive": ([product], [product]),
        }[self.terms]  # fmt: skip
        keep = torch.cat([mask * t for mask in deleting] + [1 - mask * t for mask in inserting], 1)
        noisy_terms = (0, 2) if self.noisy == "separate" else None
        view = _path.noisy(score, step, self.path, self.noise, noisy_terms)
        scores = score(keep, step=step, view=view).unflatten(1, (-1, self.path)).mean(2)
        deletion, insertion = scores[:, : len(deleting)].sum(1), scores[:, len(deleting) :].sum(1)
        area = self.sparsity * (score.cell_sizes * (1 - small)).flatten(1).mean(1)
        return (
            self.evidence * (deletion - insertion)
            + area
            + self.smoothness * self._variation(score, small, product)
        )

    def _variation(
        self, score: MaskedScore, small: Keep, fine: Float[Tensor, "b 1 1 h w"]
    ) -> Losses:
        plain = masks.total_variation(small)
        if self.variation == "plain":
            return plain
        images = score.classifier.standardise(score.images)
        bilateral = masks.bilateral_variation(fine, images, self.edge)
        return bilateral if self.variation == "bilateral" else (plain + bilateral) / 2

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the share of each pixel that the masks of `reading` remove."""
        small = {
            "product": theta.prod(1, keepdim=True), "deletion": theta[:, :1],
            "insertion": theta[:, -1:],
        }[self.reading]  # fmt: skip
        return 1 - score.to_pixels(small, align_corners=True)[:, 0, 0]
