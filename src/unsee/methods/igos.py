"""I-GOS: a mask that removes the evidence, optimised along integrated gradients."""

from dataclasses import dataclass, replace

from unsee.masking import masks
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods import _path
from unsee.methods._checks import check_grid, check_not_negative, check_positive
from unsee.methods.base import MaskOptimizer
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["IGOS"]

POINTS_WITH_BUDGET = 3
"""Number of path points per step when a budget is set; each step samples new points."""


@dataclass(frozen=True)
class IGOS(MaskOptimizer):
    """Find a small mask that lowers the score, by integrated gradients (Qi et al., AAAI 2020).

    With a mask m in [0, 1], up-sampled bilinearly, the method minimises

        mean_t score(t m) + sparsity mean(1 - m) + smoothness TV(m)

    over t in (0, 1]. The gradient of the first term is the integrated gradient along the path from
    the background to the masked image. TV is the mean squared difference of neighbouring cells.
    The map is 1 - m. With segments of the photo, m is one value for each, the mean of 1 - m counts
    pixels, and TV compares neighbouring slots (see `masking.slots`).

    Reference: Z. Qi, S. Khorram, F. Li, "Visualizing Deep Networks by Optimizing with Integrated
    Gradients", AAAI 2020, https://arxiv.org/abs/1905.00954.

    Departures from the published code:
        - One draw of noise serves all evaluations of a step; the code draws new noise in each
          evaluation of the line search.
        - A line search starts near the last step size (`regrow`); `regrow = 0` is the published
          search.
    """

    traits = replace(
        MaskOptimizer.traits, cells=("grid",), infiller=("blur", {"sigma": 50, "kernel": 51})
    )

    grid: int = 28
    """Number of cells per side of the mask, from 1 to the side of the image."""
    path: int = 15
    """Number of points t on the integration path."""
    points: _path.Points = "fixed"
    """Points t: `fixed` takes t = s / path, as published; `drawn` draws one from each interval in
    every step."""
    steps: int = 20
    """Number of optimisation steps."""
    optimizer: _path.OptimizerName = "line_search"
    """Optimiser of the mask; published: line_search."""
    rate: float | None = None
    """First step size of a line search (default: 1000, as published), or fixed rate of descent
    (default: 5), which is plain gradient descent, nesterov (default: 1) and adam (default: 0.1)."""
    regrow: float = 5.0
    """Factor from the last step size to the first step size of the next line search; 0 starts
    every search at `rate`, as published."""
    together: int = 1
    """Number of step sizes that a line search evaluates in one batch. The steps are the same;
    more sizes take fewer batches and more passes, which suits a GPU with few images."""
    noise: float = 0.2
    """Standard deviation of the noise on the perturbed images, in units of the data's standard
    deviation."""
    sparsity: float = 1.0
    """Weight of the mean removed share."""
    smoothness: float = 20.0
    """Weight of the total variation."""

    def __post_init__(self) -> None:
        check_positive(
            "igos", steps=self.steps, together=self.together, path=self.path, rate=self.rate
        )
        check_not_negative("igos", noise=self.noise, regrow=self.regrow)

    @property
    def passes(self) -> int:
        """Number of passes of one step: one for each point, without those of a line search."""
        return self.path

    def with_budget(self, passes: int, size: Size) -> "IGOS":
        """Return a method with more steps of Nesterov at few, drawn points, without line search.

        `path`, `points` and `optimizer` are kept where they are not at their defaults.

        Raises:
            InputError: A setting of the line search is set.
        """
        return _path.within(
            self, passes, path=POINTS_WITH_BUDGET, points="drawn", optimizer="nesterov"
        )

    @property
    def update_rule(self) -> Optimizer:
        """Optimiser that the setting `optimizer` names."""
        return _path.optimizer_named(self.optimizer, self.rate, self.regrow, self.together)

    def start(self, score: MaskedScore) -> Theta:
        """Return a mask that removes nothing."""
        check_grid("igos", self.grid, score)
        return score.images.new_ones(len(score.images), 1, 1, self.grid, self.grid)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the mean score along the path plus the penalties of the mask."""
        fine = score.to_pixels(theta, align_corners=True)
        view = _path.noisy(score, step, self.path, self.noise)
        t = _path.points(score, step, self.path, self.points)
        deletion = score(fine * t, step=step, view=view).mean(1)
        area = (score.cell_sizes * (1 - theta)).flatten(1).mean(1)
        return deletion + self.sparsity * area + self.smoothness * masks.total_variation(theta)

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the removed share of each pixel."""
        return 1 - score.to_pixels(theta, align_corners=True)[:, 0, 0]
