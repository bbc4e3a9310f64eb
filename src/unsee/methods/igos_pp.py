"""iGOS++: one mask that hides the object and one that alone shows it."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from unsee import masks
from unsee.infillers.base import Rows
from unsee.methods.base import MaskOptimiser, check_grid, check_positive
from unsee.score import MaskedScore
from unsee.types import Losses, Saliency, Theta, Variants
from unsee.updates import Adam, LineSearch, Nesterov, Update

__all__ = ["IGOSPlusPlus"]


@dataclass(frozen=True)
class IGOSPlusPlus(MaskOptimiser):
    """Bilateral perturbations with integrated gradients (Khorram, Lawson & Li, CHIL 2021, eq. 4).

    With d, i in [0, 1] the deletion and the insertion mask, up-sampled bilinearly, minimises

        del(d) - ins(i) + del(d i) - ins(d i) + sparsity mean(1 - d i) + smoothness BTV(d i)

    where del(m) and ins(m) are the mean scores when t m or 1 - t m is kept, over t in (0, 1].
    Means, not sums, as in the published code; its noise enters all four terms and the search, and
    its bilateral term is half plain variation of the small mask. Here one draw of noise serves all
    that is compared within a step, so that a line search cannot fail by bad luck.
    """

    measure: ClassVar[str] = "probability"
    infiller: ClassVar[tuple[str, dict[str, float]]] = ("blur", {"sigma": 50, "kernel": 51})

    grid: int = 28
    """Cells per side of the masks, from 7 to the side of the image."""
    path: int = 15
    """Points t on the integration path."""
    steps: int = 20
    """Optimisation steps."""
    update: Literal["line_search", "nesterov", "adam"] = "line_search"
    """How the masks move."""
    rate: float = 1000.0
    """First step size of every line search; the fixed rate of the other two."""
    regrow: float = 5.0
    """Begin a line search at the last size times this; 0 begins at `rate` each time, as published
    (the same steps are taken, with a quarter more passes)."""
    evidence: float = 0.5
    """Weight of the four terms (paper: 1; published code: 1/2 in the direction only)."""
    noise: float = 0.2
    """Standard deviation of the noise on the perturbed images, in units of the data's deviation."""
    sparsity: float = 1.0
    """Weight of the mean of what is removed (10 at the size of the image)."""
    smoothness: float = 20.0
    """Weight of the bilateral total variation."""
    edge: float = 0.01
    """How small a squared difference of normalised pixels counts as an edge (published code)."""

    def __post_init__(self) -> None:
        check_positive("igos_pp", steps=self.steps, path=self.path, rate=self.rate, edge=self.edge)

    @property
    def rule(self) -> Update:
        """The update that `update` names."""
        if self.update == "line_search":
            return LineSearch(first=self.rate, grow=self.regrow)
        return Nesterov(self.rate) if self.update == "nesterov" else Adam(self.rate)

    def start(self, score: MaskedScore) -> Theta:
        """Nothing is removed."""
        check_grid("igos_pp", self.grid, score)
        return score.images.new_ones(len(score.images), 2, 1, self.grid, self.grid)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Scores that should fall, less scores that should rise, and the cost of the mask."""
        small = theta.prod(1, keepdim=True)
        fine = masks.resize(theta, score.images.shape[-2:], align_corners=True)
        d, i, both = fine[:, :1], fine[:, 1:], fine.prod(1, keepdim=True)
        t = torch.linspace(1 / self.path, 1, self.path).to(theta).view(-1, 1, 1, 1)
        falls, rises = torch.cat([d * t, both * t], 1), 1 - torch.cat([i * t, both * t], 1)
        scores = score(torch.cat([falls, rises], 1), step=step, view=self._noisy(score, step))
        gain = 2 * (scores[:, : 2 * self.path].mean(1) - scores[:, 2 * self.path :].mean(1))
        images = score.classifier.standardise(score.images)
        variation = masks.total_variation(small) + masks.bilateral_variation(
            both, images, self.edge
        )
        cost = self.sparsity * (1 - small).flatten(1).mean(1) + self.smoothness * variation / 2
        return self.evidence * gain + cost

    def _noisy(self, score: MaskedScore, step: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        """A view that adds the same noise to the same point of the path in all four terms."""
        shape = score.images.shape[1:]
        deviation = score.images.new_tensor(score.classifier.data_std).view(-1, 1, 1)

        def noisy(variants: Variants, rows: Rows) -> Variants:
            if not self.noise:
                return variants
            noise = score.random.normal(step, self.path, *shape)
            return variants + self.noise * deviation * noise[rows.image, rows.variant % self.path]

        return noisy

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """How much of each pixel the two masks remove together."""
        small = theta.prod(1, keepdim=True)
        return 1 - masks.resize(small, score.images.shape[-2:], align_corners=True)[:, 0, 0]
