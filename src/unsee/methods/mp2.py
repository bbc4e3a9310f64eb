"""MP2: remove the cells of largest gradient until the score is at chance."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unsee.classifiers.classes import classes_of
from unsee.classifiers.outputs import Outputs
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid, check_positive
from unsee.methods.base import Method, Progress, Traits, fixed_maps
from unsee.types import Keep, Saliency, Size

__all__ = ["MP2"]

CHANCE = 0.001
"""Score at which an image is finished where the outputs have no chance level."""


@dataclass(frozen=True)
class MP2(Method):
    """Remove the cells of largest gradient until the score is at chance (Agarwal & Nguyen, 2020).

    The mask m starts at 1. Each step k sets m to 0, permanently, in the `cells` kept cells C_k of
    largest gradient,

        C_k = top_cells(|d score(m) / d m|),  until score(m) <= chance.

    With a generative in-filler the method is MP2-G; the gradient then treats the background as
    constant. No code was published: this follows the text.

    Reference: C. Agarwal, A. Nguyen, "Explaining image classifiers by removing input features using
    generative models", ACCV 2020, https://arxiv.org/abs/1910.04256, section 3.5.

    Departure from the paper:
        - The map is the order of removal, from 1 for the first cells to 0 for those that stay; the
          paper's map is the mask (`binary = true`, as in the recipes `mp2` and `mp2-g`).
    """

    traits = Traits(
        infiller=("blur", {"sigma": 10, "kernel": 0}), needs_gradient=True, cells=("grid",)
    )

    grid: int = 28
    """Number of cells per side of the mask."""
    cells: int = 2
    """Number of cells that each step removes (paper: 2); more are faster and coarser."""
    chance: float | None = None
    """Score at which an image is finished. None is 1 / number of classes (paper: 0.001 for ImageNet
    and 0.003 for Places365), and 0.001 for labels of which several may hold and for regressions."""
    binary: bool = False
    """Return the mask of removed cells, as in the paper, instead of the order of removal."""

    def __post_init__(self) -> None:
        check_positive("mp2", cells=self.cells, grid=self.grid)

    def with_budget(self, passes: int, size: Size) -> "MP2":
        """Return the fewest cells a step with which the passes suffice to remove all cells."""
        return replace(self, cells=max(1, -(-(self.grid**2) // passes)))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each step; images that are finished cost no further passes."""
        check_grid("mp2", self.grid, score)
        count = self.grid**2
        # the step in which each cell is removed; cells that stay have the number of all steps
        total = -(-count // self.cells)
        removed_at = torch.full(
            (len(score.images), count), float(total), device=score.images.device
        )
        active = torch.ones(len(removed_at), dtype=torch.bool, device=removed_at.device)
        step = 0
        while active.any() and step < total:
            kept = (removed_at[active] == total).to(score.images)
            scores, slopes = _slopes(score.rows(active), kept.view(-1, 1, 1, self.grid, self.grid))
            above = scores > self._chance(score)
            active[active.clone()] = above
            steepest = (
                slopes[above]
                .masked_fill(kept[above] == 0, -1)
                .topk(min(self.cells, count - step * self.cells))
            )
            if len(steepest.indices):
                removed_at[active] = removed_at[active].scatter(1, steepest.indices, float(step))
            step += 1
            if active.any() and step < total:
                yield Progress(step, total, fixed_maps(self._map(removed_at, total, score)))
        yield Progress(total, total, fixed_maps(self._map(removed_at, total, score)))

    def _chance(self, score: MaskedScore) -> float:
        """Return the score at chance; the classifier has had a pass, which says its classes."""
        if self.chance is not None:
            return self.chance
        kind, count = score.classifier.kind, classes_of(score.classifier)
        if count is None or kind.is_multilabel or kind is Outputs.REGRESSION:
            return CHANCE
        return 1 / count

    def _map(self, removed_at: Tensor, total: int, score: MaskedScore) -> Saliency:
        """Return 1 for the first removed cells, falling to 0 for those that stay."""
        order = (removed_at < total).float() if self.binary else 1 - removed_at / total
        return score.to_pixels(order.view(-1, 1, 1, self.grid, self.grid))[:, 0, 0]


def _slopes(score: MaskedScore, keep: Keep) -> tuple[Tensor, Tensor]:
    """Return the scores and the magnitude of their derivative by each cell."""
    with torch.enable_grad():
        keep = keep.requires_grad_()
        scores = score(keep)[:, 0]
        (gradient,) = torch.autograd.grad(scores.sum(), keep)
    return scores.detach(), gradient.flatten(1).abs()
