"""Patches of what is known, laid where they fit a guess best."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

MOST = 16_384
"""Known patches that are looked at; of more, every second, third, ..."""
TOGETHER = 1_024
"""Places that are compared at a time."""


class Lattice(NamedTuple):
    """Where patches are laid; what overlaps is blended."""

    side: int
    """Pixels of a patch."""
    apart: int
    """Pixels between one and the next."""
    trust: float
    """Weight of a guessed pixel in a comparison; a known one's is 1."""
    cell: int = 2
    """Pixels a side of the means that are compared; all of these are multiples of it."""


WIDE, COARSE, FINE = Lattice(48, 32, 0.25, cell=8), Lattice(12, 8, 0.25), Lattice(8, 4, 0.05)


class Laid(NamedTuple):
    """Pictures of patches, and how badly these fit."""

    pictures: Float[Tensor, "n 3 h w"]
    misfit: Float[Tensor, "n 1 h w"]
    """Root of the mean squared difference from the guess; 1 where no patch is wholly known."""


@torch.no_grad()
def laid(
    guess: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"], lattice: Lattice = COARSE
) -> Laid:
    """Each place with something missing gets the known patch that is nearest to it, copied hard.

    The fidelity term of patch-based completion (Wexler et al., PAMI 2007; Barnes et al., SIGGRAPH
    2009), searched in full instead of at random, once, from a guess that is nearly right. Patches
    are compared by their cells' means. Sides are multiples of `apart`. Gradients do not flow
    through it.
    """
    with torch.autocast(guess.device.type, enabled=False):
        side, apart, *_ = lattice
        edge = (side - apart) // 2
        edges = (edge,) * 4
        guess = F.pad(guess.float(), edges, mode="replicate")
        known = (keep > 0).float()
        missing = F.unfold(F.pad(known, edges, mode="replicate"), side, stride=apart).amin(1) < 1
        known = F.pad(known, edges)
        rows = zip(guess.split(1), known.split(1), missing, strict=True)
        found = [_laid(*row, lattice) for row in rows]
        patches, misfits = (torch.cat(part) for part in zip(*found, strict=True))
        ramp = torch.hann_window(side + 2, periodic=False, device=guess.device)[1:-1]
        window = (ramp[:, None] * ramp).reshape(1, -1, 1)
        size = guess.shape[-2:]
        weights = window.expand(1, -1, patches.shape[2])
        total, covered, misfit = (
            F.fold(part, size, side, stride=apart)[..., edge:-edge, edge:-edge]
            for part in (patches * window.repeat(1, 3, 1), weights, misfits * window)
        )
    return Laid(total / covered, misfit / covered)


def _laid(guess: Tensor, known: Tensor, missing: Tensor, lattice: Lattice) -> tuple[Tensor, Tensor]:
    """One picture's patches (1, 3 side side, places), and their misfit (1, 1, places).

    Something is missing in some places; what is beyond the border is not known.
    """
    side, apart, trust, cell = lattice
    guesses, cells = F.avg_pool2d(guess, cell), side // cell
    weight = F.avg_pool2d(known * (1 - trust) + trust, cell)
    patches = F.unfold(guess, side, stride=apart)[0].T.contiguous()
    misfit = guess.new_zeros(len(patches))
    whole = (-F.max_pool2d(-F.avg_pool2d(known, cell), cells, 1)).flatten()
    sources = (whole == 1).nonzero()[:, 0]
    sources = sources[:: max(1, -(-len(sources) // MOST))]
    if not len(sources):
        return patches.T[None], misfit.masked_fill(missing, 1)[None, None]
    there = F.unfold(guesses, cells)[0].T[sources]
    here = F.unfold(guesses, cells, stride=apart // cell)[0].T[missing]
    weights = F.unfold(weight, cells, stride=apart // cell)[0].T[missing].repeat(1, 3)
    squares, best, least = there.square().T, [], []
    for place, w in zip(here.split(TOGETHER), weights.split(TOGETHER), strict=True):
        away = torch.addmm(w @ squares, w * place, there.T, alpha=-2)
        nearest = away.min(1)
        best.append(sources[nearest.indices])
        least.append((nearest.values + (w * place.square()).sum(1)) / w.sum(1))
    across = guess.shape[-1] // cell - cells + 1
    found = torch.cat(best)
    all_there = guess[0].unfold(1, side, cell).unfold(2, side, cell)
    copied = all_there[:, found // across, found % across]
    patches[missing] = copied.transpose(0, 1).flatten(1)
    misfit[missing] = torch.cat(least).clamp(min=0).sqrt()
    return patches.T[None], misfit[None, None]
