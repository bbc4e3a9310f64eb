"""MP2: cells go, a few at a time, until the class is gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, check_grid, check_positive, drawn
from unsee.types import Keep, Saliency, Size

__all__ = ["MP2"]


@dataclass(frozen=True)
class MP2(Method):
    """Greedy meaningful perturbation (Agarwal & Nguyen, ACCV 2020, section 3.5).

    From everything kept, each step removes the cells at which the score's gradient is largest in
    magnitude, for good, until the score is at chance. No code was published: this follows the text.
    With a generative in-filler it is MP2-G; the gradient then holds the background fixed.
    """

    traits = Traits(infiller=("blur", {"sigma": 10, "kernel": 0}), needs_gradient=True)

    grid: int = 28
    """Cells per side of the mask."""
    cells: int = 2
    """Removed in each step (paper: two; more are faster and coarser)."""
    chance: float = 0.001
    """Score at which a photo is done: chance, 0.001 for ImageNet and 0.003 for Places365."""
    binary: bool = False
    """Return the bare mask, as the paper does, instead of the order in which cells went."""

    def __post_init__(self) -> None:
        check_positive("mp2", cells=self.cells, grid=self.grid)

    def with_budget(self, passes: int, size: Size) -> "MP2":
        """As few cells in a step as the passes pay for, if all of them have to go."""
        return replace(self, cells=max(1, -(-(self.grid**2) // passes)))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is one step; photos that are done are asked no more."""
        check_grid("mp2", self.grid, score)
        count, size = self.grid**2, score.images.shape[-2:]
        # the step in which each cell went; cells that stay have the number of all steps
        total = -(-count // self.cells)
        gone = torch.full((len(score.images), count), float(total), device=score.images.device)
        alive = torch.ones(len(gone), dtype=torch.bool, device=gone.device)
        done = 0
        while alive.any() and done < total:
            keep = (gone[alive] == total).to(score.images).view(-1, 1, 1, self.grid, self.grid)
            scores, slopes = _slopes(score.rows(alive), keep)
            still = scores > self.chance
            alive[alive.clone()] = still
            chosen = (
                slopes[still]
                .masked_fill(keep.flatten(1)[still] == 0, -1)
                .topk(min(self.cells, count - done * self.cells))
            )
            if len(chosen.indices):
                gone[alive] = gone[alive].scatter(1, chosen.indices, float(done))
            done += 1
            if alive.any() and done < total:
                yield Progress(done, total, drawn(self._map(gone, total, size)))
        yield Progress(total, total, drawn(self._map(gone, total, size)))

    def _map(self, gone: Tensor, total: int, size: torch.Size) -> Saliency:
        """1 for the first cells to go, falling to 0 for those that stay."""
        order = (gone < total).float() if self.binary else 1 - gone / total
        return masks.resize(order.view(-1, 1, 1, self.grid, self.grid), size)[:, 0, 0]


def _slopes(score: MaskedScore, keep: Keep) -> tuple[Tensor, Tensor]:
    """Scores, and the magnitude of their derivative by each cell."""
    with torch.enable_grad():
        keep = keep.requires_grad_()
        scores = score(keep)[:, 0]
        (gradient,) = torch.autograd.grad(scores.sum(), keep)
    return scores.detach(), gradient.flatten(1).abs()
