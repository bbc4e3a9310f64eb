"""FIDO: how likely must a pixel be seen?"""

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_positive, top_of
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["FIDO"]


@dataclass(frozen=True)
class FIDO(MaskOptimizer):
    """Learns each pixel's probability to be kept (Chang et al., ICLR 2019).

    With p = sigmoid(theta) up-sampled to the image and keep ~ Concrete(p) per pixel, minimises

        ssr:  -E[log odds(keep)] + sparsity sum(p)        the smallest region that suffices
        sdr:  +E[log odds(keep)] + sparsity sum(1 - p)    the smallest region that destroys

    The published code raises the second term from 0 during the first 30 steps (`ramp`, not in the
    paper), and its equations 3 and 4 print the two penalties the other way round.
    """

    traits = replace(MaskOptimizer.traits, measure="log_odds", infiller=("local", {}))

    mode: Literal["ssr", "sdr"] = "ssr"
    """Smallest sufficient or smallest destroying region."""
    grid: int = 56
    """Cells per side of the mask."""
    samples: int = 8
    """Masks drawn for each image at each step."""
    steps: int = 300
    """Optimisation steps."""
    rate: float = 0.05
    """Adam's rate, falling linearly to 0."""
    temperature: float = 0.1
    """Of the Concrete distribution; lower is closer to coin flips."""
    sparsity: float = 1e-3
    """Weight of the expected number of pixels that are kept (ssr) or removed (sdr)."""
    smoothness: float = 0.0
    """Weight of the sum of squared differences between neighbouring pixels' probabilities."""
    ramp: int = 0
    """Steps during which the penalties grow to their weight."""

    def __post_init__(self) -> None:
        check_positive("fido", samples=self.samples, steps=self.steps, temperature=self.temperature)

    @property
    def passes(self) -> int:
        """One for each sample."""
        return self.samples

    def with_budget(self, passes: int, size: Size) -> "FIDO":
        """Fewer steps that are longer, so that probabilities come as far."""
        steps = max(1, passes // self.passes)
        return replace(self, steps=steps, rate=self.rate * self.steps / steps)

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a falling rate."""
        return Adam(self.rate, fade=self.steps)

    def start(self, score: MaskedScore) -> Theta:
        """Every cell is kept half of the time."""
        check_grid("fido", self.grid, score)
        return score.images.new_zeros(len(score.images), 1, 1, self.grid, self.grid)

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """The region is likely where it is high."""
        logits = top_of(hills, theta.shape[-2:]).clamp(0.1, 0.9).logit()
        return logits if self.mode == "ssr" else -logits

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Cost of the region, less what it brings."""
        size = score.images.shape[-2:]
        noise = score.random.uniform(step, self.samples, 1, *size)

        def draw(part: Tensor, rows: RowIndex) -> Tensor:
            p = masks.resize(part.sigmoid()[None], size)[0]
            flips = noise[rows.image, rows.variant]
            return masks.relaxed_bernoulli(p.logit(eps=1e-6), flips, self.temperature)

        thetas = theta.expand(-1, self.samples, -1, -1, -1)
        p = masks.resize(theta.sigmoid(), size)
        evidence, cost = score(thetas, step=step, draw=draw).mean(1), p.flatten(1)
        if self.mode == "ssr":
            evidence = -evidence
        else:
            cost = 1 - cost
        penalty = self.sparsity * cost.sum(1)
        if self.smoothness:
            pixels = size[0] * size[1]
            penalty = penalty + self.smoothness * pixels * masks.total_variation(p)
        return evidence + min(1.0, (step + 1) / max(self.ramp, 1)) * penalty

    def project(self, theta: Theta) -> Theta:
        """Any logit will do."""
        return theta

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """The probability to be kept (ssr) or removed (sdr)."""
        logits = masks.resize(theta, score.images.shape[-2:])[:, 0, 0]
        return logits.sigmoid() if self.mode == "ssr" else (-logits).sigmoid()
