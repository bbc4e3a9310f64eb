"""RISE: the mean of random masks, weighted by their scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid, check_positive
from unsee.methods.base import Method, Progress, Traits, fixed_maps
from unsee.types import Saliency, Scores, Size

__all__ = ["RISE"]

MASKS_PER_ROUND = 64
"""Number of masks whose noise is drawn at once; fixed, so that a mask does not depend on
`samples`."""

Summed = Callable[[Float[Tensor, "b k"]], Saliency]
"""From a weight of each mask of a round to the weighted sum of the masks."""


@dataclass(frozen=True)
class RISE(Method):
    """Average masks by their scores, E[score(m) m] / E[m] (Petsiuk, Das & Saenko, BMVC 2018).

    The map is E[score(m) m] / E[m]: the mean score of the masks, weighted by how much each keeps
    the pixel.
    The paper divides by the expected weight in place of the actual one: with `coverage=expected`,
    pixels that more masks keep by chance are rated higher, the more so the larger the scores are.

    Masks m are random: grids of `cells` x `cells` Bernoulli draws, up-sampled bilinearly and
    shifted by less than a cell. They are generated in chunks and not stored. No gradient is needed.
    With segments of the photo, each is kept or removed as a whole, and nothing is shifted; many
    segments need more samples.

    Reference: V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of
    Black-box Models", BMVC 2018, https://arxiv.org/abs/1806.07421.
    """

    traits = Traits(allows_half_precision=True, cells=("cells",))

    cells: int = 7
    """Number of cells per side of a random grid."""
    samples: int = 4000
    """Number of masks for each image (paper: 4000 to 8000)."""
    keep: float = 0.5
    """Probability of each cell to be kept."""
    coverage: Literal["actual", "expected"] = "actual"
    """What the sum of scores is divided by: the sum of the masks at each pixel, so that a constant
    that is added to the score leaves the ranking as it is, or its expectation (paper)."""

    def __post_init__(self) -> None:
        check_positive("rise", samples=self.samples, keep=self.keep, cells=self.cells)

    def with_budget(self, passes: int, size: Size) -> "RISE":
        """Return this method with as many samples as the passes pay for."""
        return replace(self, samples=max(1, passes))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each round of `MASKS_PER_ROUND` masks for each image."""
        check_grid("rise", self.cells, score)
        total = torch.zeros_like(score.images[:, 0])
        covered, sums = torch.zeros_like(total), total.new_zeros(len(total))
        first = None if self.coverage == "actual" else sums
        for step, start in enumerate(range(0, self.samples, MASKS_PER_ROUND)):
            done = min(start + MASKS_PER_ROUND, self.samples)
            noise = score.random.uniform(step, MASKS_PER_ROUND, self.cells + 1, self.cells + 1)
            grids = (noise[:, : done - start] < self.keep).to(total)
            with torch.no_grad():
                scored = _score_grids if score.slots is None else _score_segments
                scores, summed = scored(score, step, grids)
                # Sums of differences: those of large scores would lose digits.
                first = scores[:, 0] if first is None else first
                differences = scores - first[:, None]
                total, sums = total + summed(differences), sums + differences.sum(1)
                if self.coverage == "actual":
                    covered = covered + summed(torch.ones_like(scores))
                    maps = _means(total, covered, sums / done) + first[:, None, None]
                else:
                    maps = total / (done * self.keep)
            yield Progress(done, self.samples, fixed_maps(maps))


def _means(total: Saliency, covered: Saliency, mean: Float[Tensor, " b"]) -> Saliency:
    """Return the weighted mean of each pixel; the mean of all scores where no mask keeps it."""
    means = total / covered.clamp(min=torch.finfo(covered.dtype).tiny)
    return torch.where(covered > 0, means, mean[:, None, None])


def _score_grids(
    score: MaskedScore, step: int, grids: Float[Tensor, "b k g g"]
) -> tuple[Scores, Summed]:
    """Return the scores of shifted masks, and the function that sums these masks."""
    size, count = score.images.shape[-2:], grids.shape[1]
    shift = score.random.uniform(step, MASKS_PER_ROUND, 2, stream="shift")[:, :count]

    def draw(chunk: Tensor, rows: RowIndex) -> Tensor:
        return masks.shifted_grids(chunk, shift[rows.image, rows.variant], size)[:, None]

    scores = score(grids, step=step, draw=draw)
    return scores, lambda weight: masks.sum_of_shifted_grids(grids, shift, weight, size)


def _score_segments(
    score: MaskedScore, step: int, grids: Float[Tensor, "b k g g"]
) -> tuple[Scores, Summed]:
    """Return the scores of masks with a value for each segment, and the function that sums them."""
    kept = grids[:, :, None, :-1, :-1]  # without the spare cells of shifted masks

    def summed(weight: Float[Tensor, "b k"]) -> Saliency:
        weighted = weight[..., None, None, None] * kept
        return score.to_pixels(weighted.sum(1, keepdim=True))[:, 0, 0]

    return score(kept, step=step), summed
