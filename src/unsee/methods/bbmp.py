"""BBMP: a mask of continuous values, the comparison of FIDO."""

from dataclasses import dataclass, replace
from typing import Literal

from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid, check_positive
from unsee.methods._defaults import rate_for
from unsee.methods._warm_start import Initializer, keep_top, remove_top
from unsee.methods.base import MaskOptimizer
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["BBMP"]


@dataclass(frozen=True)
class BBMP(MaskOptimizer):
    """Optimise a mask of continuous values, as FIDO's comparison does (Chang et al., ICLR 2019).

    Over a mask keep in [0, 1], up-sampled bilinearly, the method minimises

        ssr: -score(keep) + sparsity sum(keep)     sdr: score(keep) + sparsity sum(1 - keep)

    with sums over the pixels of the image. An in-filler that needs holes receives the mask rounded.
    The map is keep (ssr) or 1 - keep (sdr). It is black-box meaningful perturbation (R. Fong,
    A. Vedaldi, ICCV 2017, https://arxiv.org/abs/1704.03296) without jitter and smoothing.

    Reference: C.-H. Chang, E. Creager, A. Goldenberg, D. Duvenaud, "Explaining Image Classifiers by
    Counterfactual Generation", ICLR 2019, https://arxiv.org/abs/1807.08024, section 3.2.
    """

    traits = replace(
        MaskOptimizer.traits, measure="log_odds", cells=("grid",),
        infiller=("blur", {"sigma": 10, "kernel": 0}),
    )  # fmt: skip

    mode: Literal["ssr", "sdr"] = "sdr"
    """Smallest sufficient region (ssr) or smallest destroying region (sdr)."""
    grid: int = 56
    """Number of cells per side of the mask."""
    steps: int = 300
    """Number of optimisation steps, one mask each."""
    rate: float = 0.05
    """Initial rate of Adam, which falls linearly to 0."""
    sparsity: float = 5e-3
    """Weight of the number of pixels that are kept (ssr) or removed (sdr)."""
    smoothness: float = 0.0
    """Weight of the sum of squared differences between neighbouring pixels."""
    first: float = 1.0
    """Value of the mask before the first step; below 0.5 for in-fillers that need a hole."""

    def __post_init__(self) -> None:
        check_positive("bbmp", steps=self.steps, rate=self.rate)

    @property
    def passes(self) -> int:
        """Number of passes of one step: one."""
        return 1

    def with_budget(self, passes: int, size: Size) -> "BBMP":
        """Return fewer steps at a higher rate, so that the mask moves as far.

        A rate that is not at its default is kept.
        """
        steps = max(1, passes // self.passes)
        return replace(self, steps=steps, rate=rate_for(self, steps))

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a rate that falls linearly to 0."""
        return Adam(self.rate, fade=self.steps)

    @property
    def initializer(self) -> Initializer:
        """Rule that keeps (ssr) or removes (sdr) the top of a ranking."""
        return keep_top if self.mode == "ssr" else remove_top

    def start(self, score: MaskedScore) -> Theta:
        """Return a mask of the value `first` everywhere."""
        check_grid("bbmp", self.grid, score)
        return score.images.new_full((len(score.images), 1, 1, self.grid, self.grid), self.first)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the signed score plus the penalties."""
        keep = score.to_pixels(theta)
        evidence, cost = score(keep, step=step)[:, 0], keep.flatten(1)
        if self.mode == "ssr":
            evidence = -evidence
        else:
            cost = 1 - cost
        pixels = cost.shape[1]
        roughness = pixels * masks.total_variation(keep) if self.smoothness else 0.0
        return evidence + self.sparsity * cost.sum(1) + self.smoothness * roughness

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the share of each pixel that is kept (ssr) or removed (sdr)."""
        keep = score.to_pixels(theta)[:, 0, 0]
        return keep if self.mode == "ssr" else 1 - keep
