"""FIDO: the probability of each pixel to be kept, with in-filling of the removed pixels."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from torch import Tensor

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid, check_positive
from unsee.methods._defaults import rate_for
from unsee.methods._warm_start import Initializer, top_logits
from unsee.methods.base import MaskOptimizer
from unsee.types import Losses, Saliency, Size, Theta

__all__ = ["FIDO"]


@dataclass(frozen=True)
class FIDO(MaskOptimizer):
    """Learn the probability of each pixel to be kept (Chang et al., ICLR 2019).

    With p = sigmoid(theta), up-sampled bilinearly to the image, and keep ~ Concrete(p) drawn for
    each pixel, the method minimises

        ssr:  -E[log odds(keep)] + sparsity sum(p)        smallest sufficient region
        sdr:  +E[log odds(keep)] + sparsity sum(1 - p)    smallest destroying region

    The blend of image and background uses the soft samples, the in-filler receives them rounded,
    and no gradient flows through the in-filler. The map is p (ssr) or 1 - p (sdr).

    With segments of the photo, keep is drawn for each segment; penalties still count pixels.

    References: C.-H. Chang, E. Creager, A. Goldenberg, D. Duvenaud, "Explaining Image Classifiers
    by Counterfactual Generation", ICLR 2019, https://arxiv.org/abs/1807.08024. Concrete
    distribution: C. Maddison, A. Mnih, Y. W. Teh, ICLR 2017, https://arxiv.org/abs/1611.00712.

    Departures from the paper:
        - Equations 3 and 4 print the two penalties the other way round; the published code has
          them as above.
        - The paper in-fills with a generative model (CA, DeepFill v1), whose weights cannot ship
          here; the default is its in-filler `local`. The recipe `fido-ca` has `painter` in place of
          CA; with `infiller=deepfill1` it is the paper's FIDO-CA. FIDO-Blur, FIDO-Random and
          FIDO-Mean are baselines (recipes `fido-blur`, `fido-random`, `fido-mean`).
        - `ramp` is 0; the published code raises the penalties over 30 steps (recipes `fido-ssr`,
          `fido-sdr`).
        - The number of samples of a step, 8, is that of the published code.
        - The map up-samples logits, whereas the loss up-samples probabilities, as in the published
          code.
        - The smoothness penalty is the number of pixels times the mean of squared differences,
          n / (n - 1) of the sum for a side of n pixels.
        - For in-fillers that return visible pixels unchanged, soft masks blend with a background
          that is in-filled tile by tile, so that visible pixels receive a gradient.
    """

    traits = replace(
        MaskOptimizer.traits, cells=("grid",), measure="log_odds", infiller=("local", {})
    )

    mode: Literal["ssr", "sdr"] = "ssr"
    """Smallest sufficient region (ssr) or smallest destroying region (sdr)."""
    grid: int = 56
    """Number of cells per side of the mask."""
    samples: int = 8
    """Number of masks drawn for each image in each step."""
    steps: int = 300
    """Number of optimisation steps."""
    rate: float = 0.05
    """Initial rate of Adam, which falls linearly to 0."""
    temperature: float = 0.1
    """Temperature of the Concrete distribution; lower values give more binary masks."""
    sparsity: float = 1e-3
    """Weight of the expected number of pixels that are kept (ssr) or removed (sdr)."""
    smoothness: float = 0.0
    """Weight of the sum of squared differences between the probabilities of neighbouring pixels."""
    ramp: int = 0
    """Number of steps over which the penalties grow linearly to their weight."""

    def __post_init__(self) -> None:
        check_positive("fido", samples=self.samples, steps=self.steps, temperature=self.temperature)

    @property
    def passes(self) -> int:
        """Number of passes of one step: one for each sample."""
        return self.samples

    def with_budget(self, passes: int, size: Size) -> "FIDO":
        """Return fewer steps at a higher rate, so that the probabilities move as far.

        A rate that is not at its default is kept. `ramp` is a number of steps and keeps its share
        of them.
        """
        steps = max(1, passes // self.passes)
        return replace(
            self,
            steps=steps,
            rate=rate_for(self, steps),
            ramp=round(self.ramp * steps / self.steps),
        )

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a rate that falls linearly to 0."""
        return Adam(self.rate, fade=self.steps)

    @property
    def initializer(self) -> Initializer:
        """Rule that makes the top of a ranking likely to be kept (ssr) or removed (sdr)."""
        return partial(top_logits, sign=1 if self.mode == "ssr" else -1)

    def start(self, score: MaskedScore) -> Theta:
        """Return logits of 0: every cell is kept with probability 1/2."""
        check_grid("fido", self.grid, score)
        return score.images.new_zeros(len(score.images), 1, 1, self.grid, self.grid)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the signed mean log-odds of the samples plus the penalties."""
        size = score.images.shape[-2:] if score.slots is None else theta.shape[-2:]
        noise = score.random.uniform(step, self.samples, 1, *size)

        def draw(logits: Tensor, rows: RowIndex) -> Tensor:
            p = masks.resize(logits.sigmoid()[None], size)[0]
            uniform = noise[rows.image, rows.variant]
            return masks.relaxed_bernoulli(p.logit(eps=1e-6), uniform, self.temperature)

        thetas = theta.expand(-1, self.samples, -1, -1, -1)
        p = score.to_pixels(theta.sigmoid())
        evidence, cost = score(thetas, step=step, draw=draw).mean(1), p.flatten(1)
        if self.mode == "ssr":
            evidence = -evidence
        else:
            cost = 1 - cost
        penalty = self.sparsity * cost.sum(1)
        if self.smoothness:
            pixels = cost.shape[1]
            penalty = penalty + self.smoothness * pixels * masks.total_variation(p)
        return evidence + min(1.0, (step + 1) / max(self.ramp, 1)) * penalty

    def project(self, theta: Theta) -> Theta:
        """Return the logits unchanged: they have no constraint."""
        return theta

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the probability of each pixel to be kept (ssr) or removed (sdr)."""
        logits = score.to_pixels(theta)[:, 0, 0]
        return logits.sigmoid() if self.mode == "ssr" else (-logits).sigmoid()
