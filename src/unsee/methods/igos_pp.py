"""iGOS++: one mask that hides the object and one that alone shows it."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods import _path
from unsee.methods._ranking_network import Ranking
from unsee.methods.base import MaskOptimizer, check_grid, check_not_negative, check_positive, top_of
from unsee.types import Keep, Losses, Saliency, Size, Theta

__all__ = ["IGOSPlusPlus"]


@dataclass(frozen=True)
class IGOSPlusPlus(MaskOptimizer):
    """Bilateral perturbations with integrated gradients (Khorram, Lawson & Li, CHIL 2021, eq. 4).

    With d, i in [0, 1] the deletion and the insertion mask, up-sampled bilinearly, minimises

        del(d) - ins(i) + del(d i) - ins(d i) + sparsity mean(1 - d i) + smoothness BTV(d i)

    where del(m) and ins(m) are the mean scores when t m or 1 - t m is kept, over t in (0, 1].
    Means, not sums, as in the published code; its noise enters all four terms and the search, and
    its bilateral term is half plain variation of the small mask. Here one draw of noise serves all
    that is compared within a step.
    """

    traits = replace(MaskOptimizer.traits, infiller=("blur", {"sigma": 50, "kernel": 51}))

    grid: int = 28
    """Cells per side of the masks, from 7 to the side of the image."""
    path: int = 15
    """Points t on the integration path."""
    points: _path.Points = "fixed"
    """Where they are: t = s / path, as published, or drawn anew in every step, one from each."""
    steps: int = 20
    """Optimisation steps."""
    optimizer: Literal["line_search", "nesterov", "adam"] = "line_search"
    """How the masks move."""
    rate: float = 0.0
    """First step size of every line search (0: 1000, as published), or the fixed rate of nesterov
    (0: 1) and adam (0: 0.1)."""
    regrow: float = 5.0
    """Begin a line search at the last size times this; 0 begins at `rate` each time, as published
    (the same steps are taken, with a quarter more passes)."""
    evidence: float = 0.5
    """Weight of the four terms (paper: 1; published code: 1/2 in the direction only)."""
    terms: Literal["bilateral", "deletion", "insertion", "naive"] = "bilateral"
    """Two masks and four terms; or, as ablations (Table 3), a single mask that deletes, that
    inserts, or that does both in a plain sum."""
    together: int = 1
    """Sizes of a line search that are asked about at once: the same steps in fewer rounds, for more
    passes; for a GPU with few photos."""
    noise: float = 0.2
    """Standard deviation of the noise on the perturbed images, in units of the data's deviation."""
    sparsity: float = 1.0
    """Weight of the mean of what is removed (10 at the size of the image)."""
    smoothness: float = 20.0
    """Weight of the bilateral total variation."""
    variation: Literal["bilateral", "plain"] = "bilateral"
    """Whether an edge of the picture makes variation cheaper (plain: ablation of Table 3)."""
    edge: float = 0.01
    """How small a squared difference of normalised pixels counts as an edge (published code)."""

    def __post_init__(self) -> None:
        check_positive(
            "igos_pp", steps=self.steps, together=self.together, path=self.path, edge=self.edge
        )
        check_not_negative("igos_pp", noise=self.noise, regrow=self.regrow, rate=self.rate)

    @property
    def passes(self) -> int:
        """All terms at all points, without a line search."""
        return self.path * {"bilateral": 4, "naive": 2}.get(self.terms, 1)

    def with_budget(self, passes: int, size: Size) -> "IGOSPlusPlus":
        """Many steps of Adam at two points, drawn anew, without noise: no line search.

        Of one to fourteen points, Nesterov's steps or Adam's, with or without noise, these were
        nearest to the published search on photos of the validation sample.
        """
        few = replace(self, path=2, points="drawn", optimizer="adam", rate=0.0, noise=0.0)
        return replace(few, steps=max(1, passes // few.passes))

    @property
    def update_rule(self) -> Optimizer:
        """The update that `update` names."""
        return _path.optimizer_named(self.optimizer, self.rate, self.regrow, self.together)

    def start(self, score: MaskedScore) -> Theta:
        """Nothing is removed."""
        check_grid("igos_pp", self.grid, score)
        count = 2 if self.terms == "bilateral" else 1
        return score.images.new_ones(len(score.images), count, 1, self.grid, self.grid)

    def warm(self, theta: Theta, hills: Ranking) -> Theta:
        """All masks remove what is high, alike and together as much as one would."""
        kept = 1 - top_of(hills, theta.shape[-2:])
        return (kept ** (1 / theta.shape[1])).expand_as(theta).contiguous()

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Scores that should fall, less scores that should rise, and the cost of the mask."""
        small = theta.prod(1, keepdim=True)
        fine = masks.resize(theta, score.images.shape[-2:], align_corners=True)
        both = fine.prod(1, keepdim=True)
        t = _path.points(score, step, self.path, self.points)
        hidden, shown = {
            "bilateral": ([fine[:, :1], both], [fine[:, 1:], both]),
            "deletion": ([both], []),
            "insertion": ([], [both]),
            "naive": ([both], [both]),
        }[self.terms]  # fmt: skip
        keep = torch.cat([mask * t for mask in hidden] + [1 - mask * t for mask in shown], 1)
        view = _path.noisy(score, step, self.path, self.noise)
        scores = score(keep, step=step, view=view).unflatten(1, (-1, self.path)).mean(2)
        falls, rises = scores[:, : len(hidden)].sum(1), scores[:, len(hidden) :].sum(1)
        cost = self.sparsity * (1 - small).flatten(1).mean(1)
        return (
            self.evidence * (falls - rises)
            + cost
            + self.smoothness * self._variation(score, small, both)
        )

    def _variation(
        self, score: MaskedScore, small: Keep, fine: Float[Tensor, "b 1 1 h w"]
    ) -> Losses:
        plain = masks.total_variation(small)
        if self.variation == "plain":
            return plain
        images = score.classifier.standardise(score.images)
        return (plain + masks.bilateral_variation(fine, images, self.edge)) / 2

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """How much of each pixel the two masks remove together."""
        small = theta.prod(1, keepdim=True)
        return 1 - masks.resize(small, score.images.shape[-2:], align_corners=True)[:, 0, 0]
