"""I-GOS: the smallest mask that hides the object, found along integrated gradients."""

from dataclasses import dataclass, replace
from typing import Literal

from unsee.masking import masks
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods import _path
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_not_negative, check_positive, top_of
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["IGOS"]


@dataclass(frozen=True)
class IGOS(MaskOptimizer):
    """Integrated-gradient optimised saliency (Qi, Khorram & Li, AAAI 2020).

    With keep in [0, 1] up-sampled bilinearly, minimises over t in (0, 1]

        mean_t score(t keep) + sparsity mean(1 - keep) + smoothness TV(keep)

    whose gradient is the integrated gradient along the path from the background to what is kept.
    One draw of noise serves all that is compared within a step (published code: a new one for each
    question of the line search).
    """

    traits = replace(MaskOptimizer.traits, infiller=("blur", {"sigma": 50, "kernel": 51}))

    grid: int = 28
    """Cells per side of the mask, from 7 to the side of the image."""
    path: int = 15
    """Points t on the integration path."""
    points: _path.Points = "fixed"
    """Where they are: t = s / path, as published, or drawn anew in every step, one from each."""
    steps: int = 20
    """Optimisation steps."""
    optimizer: Literal["line_search", "nesterov", "adam"] = "line_search"
    """How the mask moves."""
    rate: float = 0.0
    """First step size of every line search (0: 1000, as published), or the fixed rate of nesterov
    (0: 1) and adam (0: 0.1)."""
    regrow: float = 5.0
    """Begin a line search at the last size times this; 0 begins at `rate` each time (published)."""
    together: int = 1
    """Sizes of a line search that are asked about at once: the same steps in fewer rounds, for more
    passes; for a GPU with few photos."""
    noise: float = 0.2
    """Standard deviation of the noise on the perturbed images, in units of the data's deviation."""
    sparsity: float = 1.0
    """Weight of the mean of what is removed."""
    smoothness: float = 20.0
    """Weight of the mean squared difference between neighbouring cells."""

    def __post_init__(self) -> None:
        check_positive("igos", steps=self.steps, together=self.together)
        check_positive("igos", path=self.path)
        check_not_negative("igos", noise=self.noise, regrow=self.regrow, rate=self.rate)

    @property
    def passes(self) -> int:
        """A single term."""
        return self.path

    def with_budget(self, passes: int, size: Size) -> "IGOS":
        """No line search and few points, drawn anew: more steps for the same passes."""
        few = replace(self, path=_path.FEW, points="drawn", optimizer="nesterov", rate=0.0)
        return replace(few, steps=max(1, passes // few.passes))

    @property
    def update_rule(self) -> Optimizer:
        """The update that `update` names."""
        return _path.optimizer_named(self.optimizer, self.rate, self.regrow, self.together)

    def start(self, score: MaskedScore) -> Theta:
        """Nothing is removed."""
        check_grid("igos", self.grid, score)
        return score.images.new_ones(len(score.images), 1, 1, self.grid, self.grid)

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """What is removed is what is high."""
        return 1 - top_of(hills, theta.shape[-2:])

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """What is left of the score along the path, and the cost of the mask."""
        fine = masks.resize(theta, score.images.shape[-2:], align_corners=True)
        view = _path.noisy(score, step, self.path, self.noise)
        t = _path.points(score, step, self.path, self.points)
        left = score(fine * t, step=step, view=view).mean(1)
        area = (1 - theta).flatten(1).mean(1)
        return left + self.sparsity * area + self.smoothness * masks.total_variation(theta)

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """How much of each pixel is removed."""
        return 1 - masks.resize(theta, score.images.shape[-2:], align_corners=True)[:, 0, 0]
