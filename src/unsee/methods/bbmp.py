"""BBMP: the mask of continuous values that FIDO is compared with."""

from dataclasses import dataclass, replace
from typing import Literal

from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_positive, top_of
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["BBMP"]


@dataclass(frozen=True)
class BBMP(MaskOptimizer):
    """Black-box meaningful perturbation as FIDO's comparison runs it (Chang et al., ICLR 2019).

    Over keep in [0, 1], a mask of values instead of probabilities, minimises

        ssr: -score(keep) + sparsity sum(keep)     sdr: score(keep) + sparsity sum(1 - keep)

    The sums run over the image's pixels. An in-filler that needs holes sees keep rounded.
    """

    traits = replace(
        MaskOptimizer.traits, measure="log_odds", infiller=("blur", {"sigma": 10, "kernel": 0})
    )

    mode: Literal["ssr", "sdr"] = "sdr"
    """Smallest region that suffices, or whose removal destroys the answer."""
    grid: int = 56
    """Cells per side of the mask."""
    steps: int = 300
    """Optimisation steps, one mask each."""
    rate: float = 0.05
    """Adam's rate, falling linearly to zero."""
    sparsity: float = 5e-3
    """Weight of the number of pixels that are kept (ssr) or removed (sdr)."""
    smoothness: float = 0.0
    """Weight of the sum of squared differences between neighbouring pixels."""
    first: float = 1.0
    """The mask before the first step; below 0.5 where the in-filler needs a hole to begin with."""

    def __post_init__(self) -> None:
        check_positive("bbmp", steps=self.steps, rate=self.rate)

    @property
    def passes(self) -> int:
        """A single mask."""
        return 1

    def with_budget(self, passes: int, size: Size) -> "BBMP":
        """Fewer steps that are longer, so that masks come as far."""
        steps = max(1, passes // self.passes)
        return replace(self, steps=steps, rate=self.rate * self.steps / steps)

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a falling rate."""
        return Adam(self.rate, fade=self.steps)

    def start(self, score: MaskedScore) -> Theta:
        """Everything is kept."""
        check_grid("bbmp", self.grid, score)
        return score.images.new_full((len(score.images), 1, 1, self.grid, self.grid), self.first)

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """The region is what is high."""
        high = top_of(hills, theta.shape[-2:])
        return high if self.mode == "ssr" else 1 - high

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Cost of the region, less what it brings."""
        keep = masks.resize(theta, score.images.shape[-2:])
        evidence, cost = score(keep, step=step)[:, 0], keep.flatten(1)
        if self.mode == "ssr":
            evidence = -evidence
        else:
            cost = 1 - cost
        pixels = cost.shape[1]
        roughness = pixels * masks.total_variation(keep) if self.smoothness else 0.0
        return evidence + self.sparsity * cost.sum(1) + self.smoothness * roughness

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """How much is kept (ssr) or removed (sdr)."""
        keep = masks.resize(theta, score.images.shape[-2:])[:, 0, 0]
        return keep if self.mode == "ssr" else 1 - keep
