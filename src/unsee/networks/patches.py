"""Fill holes with copies of the visible patches that are nearest to a guess."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

MAX_SOURCE_PATCHES = 16_384
"""Largest number of patches that are searched; of more, every second, third, ... is."""
MAX_PATCHES_PER_CHUNK = 1_024
"""Largest number of incomplete patches that are compared in one matrix product."""


class PatchGrid(NamedTuple):
    """Size and spacing of patches. Overlapping patches are blended; lengths are in pixels."""

    side: int
    """Side of a patch."""
    stride: int
    """Distance between patches."""
    guess_weight: float
    """Weight of a guessed pixel in a comparison, relative to a visible pixel."""
    cell: int = 2
    """Side of the cells whose means are compared; it divides `side` and `stride`."""
    min_visible: float = 1.0
    """Visible share of a patch from which it is copied. Its other pixels are those of the guess."""


LARGE = PatchGrid(24, 8, 0.05, min_visible=0.5)
MEDIUM = PatchGrid(12, 8, 0.25, min_visible=0.5)
SMALL = PatchGrid(8, 4, 0.05, min_visible=0.5)


class CopiedPatches(NamedTuple):
    """Pictures made of visible patches, and how far these are from the guess."""

    pictures: Float[Tensor, "n 3 h w"]
    misfit: Float[Tensor, "n 1 h w"]
    """Root mean squared difference from the guess; 1 where no patch is visible enough."""


@torch.no_grad()
def copy_nearest_patches(
    guess: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"], grid: PatchGrid = MEDIUM
) -> CopiedPatches:
    """Replace every incomplete patch of a guess by the nearest patch that is visible enough.

    With `grid.min_visible < 1` a patch can be its own nearest one and then stays as it is.

    This is one step of patch-based completion (Wexler, Shechtman & Irani, "Space-Time Completion of
    Video", PAMI 2007) with an exhaustive search in place of PatchMatch's random one (Barnes et al.,
    SIGGRAPH 2009). Patches are compared by the means of their cells. No gradient is
    computed.

    Args:
        guess: Pictures; height and width are multiples of the stride.
        keep: 1 where the guess shows the original picture.
        grid: Size and spacing of the patches.
    """
    with torch.autocast(guess.device.type, enabled=False):
        side, stride, *_ = grid
        edge = (side - stride) // 2
        edges = (edge,) * 4
        guess = F.pad(guess.float(), edges, mode="replicate")
        visible = (keep > 0).float()
        missing = F.unfold(F.pad(visible, edges, mode="replicate"), side, stride=stride).amin(1) < 1
        visible = F.pad(visible, edges)
        rows = zip(guess.split(1), visible.split(1), missing, strict=True)
        copies = [_copy_for_one_picture(*row, grid) for row in rows]
        patches, misfits = (torch.cat(part) for part in zip(*copies, strict=True))
        ramp = torch.hann_window(side + 2, periodic=False, device=guess.device)[1:-1]
        window = (ramp[:, None] * ramp).reshape(1, -1, 1)
        size = guess.shape[-2:]
        weights = window.expand(1, -1, patches.shape[2])
        total, covered, misfit = (
            F.fold(part, size, side, stride=stride)[..., edge:-edge, edge:-edge]
            for part in (patches * window.repeat(1, 3, 1), weights, misfits * window)
        )
    return CopiedPatches(total / covered, misfit / covered)


def _copy_for_one_picture(
    guess: Tensor, visible: Tensor, missing: Tensor, grid: PatchGrid
) -> tuple[Tensor, Tensor]:
    """Return a picture's patches (1, 3 side side, places) and their misfit (1, 1, places).

    `missing` marks the incomplete patches; pixels beyond the border are not visible.
    """
    side, stride, guess_weight, cell, min_visible = grid
    means, cells = F.avg_pool2d(guess, cell), side // cell
    weight = F.avg_pool2d(visible * (1 - guess_weight) + guess_weight, cell)
    patches = F.unfold(guess, side, stride=stride)[0].T.contiguous()
    misfit = guess.new_zeros(len(patches))
    sources = _source_places(visible, cell, cells, min_visible)
    if not len(sources):
        return patches.T[None], misfit.masked_fill(missing, 1)[None, None]
    candidates = F.unfold(means, cells)[0].T[sources]
    queries = F.unfold(means, cells, stride=stride // cell)[0].T[missing]
    weights = F.unfold(weight, cells, stride=stride // cell)[0].T[missing]
    nearest, distance = _nearest(queries, weights, candidates)
    columns = guess.shape[-1] // cell - cells + 1
    place = sources[nearest]
    windows = guess[0].unfold(1, side, cell).unfold(2, side, cell)
    copied = windows[:, place // columns, place % columns]
    patches[missing] = copied.transpose(0, 1).flatten(1)
    misfit[missing] = distance.clamp(min=0).sqrt()
    return patches.T[None], misfit[None, None]


def _source_places(visible: Tensor, cell: int, cells: int, min_visible: float) -> Tensor:
    """Return the indices of patches that may be copied, `MAX_SOURCE_PATCHES` at most."""
    share = F.avg_pool2d(F.avg_pool2d(visible, cell), cells, 1).flatten()
    places = (share >= min_visible).nonzero()[:, 0]
    return places[:: max(1, -(-len(places) // MAX_SOURCE_PATCHES))]


def _nearest(
    queries: Float[Tensor, "q d"], weights: Float[Tensor, "q k"], candidates: Float[Tensor, "p d"]
) -> tuple[Tensor, Tensor]:
    """Return each query's nearest candidate and the weighted mean squared difference from it.

    A patch has k cells of d / k channels; a cell's weight is that of all its channels, so that the
    squares of the candidates are summed over channels first.
    """
    cells = weights.shape[1]
    squares = candidates.square().unflatten(1, (-1, cells)).sum(1).T
    indices, distances = [], []
    pairs = zip(
        queries.split(MAX_PATCHES_PER_CHUNK), weights.split(MAX_PATCHES_PER_CHUNK), strict=True
    )
    for query, w in pairs:
        weighted = query * w.repeat(1, query.shape[1] // cells)
        relative = torch.addmm(w @ squares, weighted, candidates.T, alpha=-2)
        nearest = relative.min(1)
        indices.append(nearest.indices)
        total = w.sum(1) * (query.shape[1] // cells)
        distances.append((nearest.values + (weighted * query).sum(1)) / total)
    return torch.cat(indices), torch.cat(distances)
