"""Patches of what is known, laid over a guess."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.networks import patches
from unsee.networks.patches import COARSE, FINE, WIDE, Lattice, laid


def holes(size: int = 64, seed: int = 0) -> torch.Tensor:
    coins = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(seed)) < 0.6
    return F.interpolate(coins.float(), (size, size))


def test_a_repeating_texture_is_laid_on_where_a_poor_guess_was() -> None:
    tile = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    truth, keep = tile.repeat(1, 1, 8, 8), holes()
    poor = truth + 0.3 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(2))
    found = laid(torch.where(keep > 0, truth, poor), keep)
    hole = keep.expand_as(truth) == 0
    assert (found.pictures - truth)[hole].abs().max() < 1e-5
    assert found.misfit[keep == 0].min() > 0.05
    # in the middle of what is known nothing is compared
    assert found.misfit[F.max_pool2d(1 - keep, 25, 1, 12) == 0].abs().sum() == 0


def test_what_is_laid_comes_from_what_is_known_alone() -> None:
    g = torch.Generator().manual_seed(0)
    keep = holes(seed=3)
    known = 0.5 * torch.rand(1, 3, 64, 64, generator=g)
    red = torch.tensor([1.0, 0.9, 0.8])[:, None, None].expand_as(known)
    found = laid(torch.where(keep > 0, known, red), keep)
    assert found.pictures[(keep == 0).expand_as(known)].max() <= 0.5


def means(x: np.ndarray, cell: int) -> np.ndarray:
    *rest, h, w = x.shape
    return x.reshape(*rest, h // cell, cell, w // cell, cell).mean((-3, -1))


def nearest(image: np.ndarray, known: np.ndarray, y: int, x: int, lattice: Lattice) -> np.ndarray:
    """Of all patches that are wholly known, a cell apart."""
    side, _, trust, cell = lattice
    here = means(image[:, y : y + side, x : x + side], cell)
    trusted = means(known[y : y + side, x : x + side] * (1 - trust) + trust, cell)
    places = [
        (v, u)
        for v, u in product(range(0, len(known) - side + 1, cell), repeat=2)
        if known[v : v + side, u : u + side].min() == 1
    ]
    found = [image[:, v : v + side, u : u + side] for v, u in places]
    return min(found, key=lambda patch: float((trusted * (means(patch, cell) - here) ** 2).sum()))


@pytest.mark.parametrize(("lattice", "size"), [(WIDE, 160), (COARSE, 32), (FINE, 32)])
def test_it_agrees_with_a_search_patch_by_patch(lattice: Lattice, size: int) -> None:
    side, apart, *_ = lattice
    edge = (side - apart) // 2
    g = torch.Generator().manual_seed(4)
    guess, keep = torch.rand(1, 3, size, size, generator=g), torch.ones(1, 1, size, size)
    keep[..., size // 2 - 6 : size // 2 + 3, 5 : size - 2] = 0
    image = np.pad(guess[0].numpy(), ((0, 0), (edge, edge), (edge, edge)), mode="edge")
    known = np.pad(keep[0, 0].numpy(), edge)
    total, covered = np.zeros(image.shape), np.zeros(known.shape)
    ramp = np.hanning(side + 2)[1:-1]
    for y, x in product(range(0, len(known) - side + 1, apart), repeat=2):
        rows, columns = (slice(max(at, edge), min(at + side, edge + size)) for at in (y, x))
        patch = image[:, y : y + side, x : x + side]
        whole = known[rows, columns].min() == 1
        patch = patch if whole else nearest(image, known, y, x, lattice)
        total[:, y : y + side, x : x + side] += np.outer(ramp, ramp) * patch
        covered[y : y + side, x : x + side] += np.outer(ramp, ramp)
    expected = torch.from_numpy(total / covered)[:, edge : edge + size, edge : edge + size]
    assert torch.allclose(laid(guess, keep, lattice).pictures[0].double(), expected, atol=1e-5)


def test_where_no_patch_is_known_the_guess_stays_and_says_so() -> None:
    guess = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for keep in (torch.zeros(1, 1, 32, 32), F.interpolate(torch.eye(4)[None, None], (32, 32))):
        found = laid(guess, keep)
        assert torch.allclose(found.pictures, guess, atol=1e-5)
        assert (found.misfit[keep == 0] - 1).abs().max() < 1e-5


def test_a_row_is_the_same_alone_and_however_many_are_compared_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    g = torch.Generator().manual_seed(0)
    guess = torch.rand(3, 3, 64, 48, generator=g)
    keep = torch.cat([holes(seed=s)[..., :48] for s in range(3)])
    together = laid(guess, keep)
    alone = [laid(guess[i : i + 1], keep[i : i + 1]) for i in range(3)]
    assert torch.equal(together.pictures, torch.cat([found.pictures for found in alone]))
    monkeypatch.setattr(patches, "TOGETHER", 7)
    assert torch.allclose(laid(guess, keep).pictures, together.pictures, atol=1e-6)
    monkeypatch.setattr(patches, "MOST", 20)
    fewer = laid(guess, keep)
    assert torch.isfinite(fewer.pictures).all()
    assert fewer.misfit.mean() > together.misfit.mean()
