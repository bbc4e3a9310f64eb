"""RISE: the mean of random masks, weighted by their scores."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, check_grid, check_positive, drawn
from unsee.types import Size

__all__ = ["RISE"]

ROUND = 64
"""Masks drawn together; a round's noise must not depend on how many are wanted in all."""


@dataclass(frozen=True)
class RISE(Method):
    """Randomized input sampling (Petsiuk et al., BMVC 2018): E[score(keep) keep] / E[keep].

    Masks are coarse grids of coin flips, up-sampled bilinearly and shifted at random. They are made
    when they are asked for and never stored. Needs no gradient.
    """

    traits = Traits(allows_half_precision=True)

    cells: int = 7
    """Cells per side of a random grid."""
    samples: int = 4000
    """Masks for each image."""
    keep: float = 0.5
    """Probability that a cell is kept."""

    def __post_init__(self) -> None:
        check_positive("rise", samples=self.samples, keep=self.keep, cells=self.cells)

    def with_budget(self, passes: int, size: Size) -> "RISE":
        """As many samples as the passes pay for."""
        return replace(self, samples=max(1, passes))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is `ROUND` masks for each image."""
        check_grid("rise", self.cells, score)
        size = score.images.shape[-2:]
        total = torch.zeros_like(score.images[:, 0])
        for step, start in enumerate(range(0, self.samples, ROUND)):
            done = min(start + ROUND, self.samples)
            noise = score.random.uniform(step, ROUND, self.cells + 1, self.cells + 1)
            coins = (noise[:, : done - start] < self.keep).to(total)
            shift = score.random.uniform(step, ROUND, 2, stream="shift")[:, : done - start]

            def draw(part: Tensor, rows: RowIndex, shift: Tensor = shift) -> Tensor:
                return masks.shifted_grids(part, shift[rows.image, rows.variant], size)[:, None]

            with torch.no_grad():
                scores = score(coins, step=step, draw=draw)
                total = total + masks.sum_of_shifted_grids(coins, shift, scores, size)
            yield Progress(done, self.samples, drawn(total / (done * self.keep)))
