"""Copying the nearest visible patches over a guess."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.networks import patches
from unsee.networks.patches import LARGE, MEDIUM, SMALL, PatchGrid, copy_nearest_patches

COARSE = PatchGrid(48, 32, 0.25, cell=8)
COMPLETE = MEDIUM._replace(min_visible=1.0)


def holes(size: int = 64, seed: int = 0) -> torch.Tensor:
    coins = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(seed)) < 0.6
    return F.interpolate(coins.float(), (size, size))


def test_repeating_texture_is_restored_from_a_noisy_guess() -> None:
    tile = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    truth, keep = tile.repeat(1, 1, 8, 8), holes()
    noisy = truth + 0.3 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(2))
    copies = copy_nearest_patches(torch.where(keep > 0, truth, noisy), keep, COMPLETE)
    hole = keep.expand_as(truth) == 0
    assert (copies.pictures - truth)[hole].abs().max() < 1e-5
    assert copies.misfit[keep == 0].min() > 0.05
    far_from_holes = F.max_pool2d(1 - keep, 25, 1, 12) == 0
    assert copies.misfit[far_from_holes].abs().sum() == 0


def test_only_visible_pixels_are_copied() -> None:
    g = torch.Generator().manual_seed(0)
    keep = holes(seed=3)
    dark = 0.5 * torch.rand(1, 3, 64, 64, generator=g)
    bright = torch.tensor([1.0, 0.9, 0.8])[:, None, None].expand_as(dark)
    copies = copy_nearest_patches(torch.where(keep > 0, dark, bright), keep, COMPLETE)
    assert copies.pictures[(keep == 0).expand_as(dark)].max() <= 0.5


def means(x: np.ndarray, cell: int) -> np.ndarray:
    *leading, h, w = x.shape
    return x.reshape(*leading, h // cell, cell, w // cell, cell).mean((-3, -1))


def nearest(image: np.ndarray, visible: np.ndarray, y: int, x: int, grid: PatchGrid) -> np.ndarray:
    """The nearest of all patches that are visible enough, which are a cell apart."""
    side, _, guess_weight, cell, min_visible = grid
    query = means(image[:, y : y + side, x : x + side], cell)
    weights = means(visible[y : y + side, x : x + side] * (1 - guess_weight) + guess_weight, cell)
    places = [
        (v, u)
        for v, u in product(range(0, len(visible) - side + 1, cell), repeat=2)
        if visible[v : v + side, u : u + side].mean() >= min_visible
    ]
    candidates = [image[:, v : v + side, u : u + side] for v, u in places]
    return min(candidates, key=lambda p: float((weights * (means(p, cell) - query) ** 2).sum()))


@pytest.mark.parametrize(
    ("grid", "size"), [(COARSE, 160), (COMPLETE, 32), (LARGE, 48), (MEDIUM, 32), (SMALL, 32)]
)
def test_agrees_with_a_search_patch_by_patch(grid: PatchGrid, size: int) -> None:
    side, stride, *_ = grid
    edge = (side - stride) // 2
    g = torch.Generator().manual_seed(4)
    guess, keep = torch.rand(1, 3, size, size, generator=g), torch.ones(1, 1, size, size)
    keep[..., size // 2 - 6 : size // 2 + 3, 5 : size - 2] = 0
    image = np.pad(guess[0].numpy(), ((0, 0), (edge, edge), (edge, edge)), mode="edge")
    visible = np.pad(keep[0, 0].numpy(), edge)
    total, covered = np.zeros(image.shape), np.zeros(visible.shape)
    ramp = np.hanning(side + 2)[1:-1]
    for y, x in product(range(0, len(visible) - side + 1, stride), repeat=2):
        rows, columns = (slice(max(at, edge), min(at + side, edge + size)) for at in (y, x))
        patch = image[:, y : y + side, x : x + side]
        is_complete = visible[rows, columns].min() == 1
        patch = patch if is_complete else nearest(image, visible, y, x, grid)
        total[:, y : y + side, x : x + side] += np.outer(ramp, ramp) * patch
        covered[y : y + side, x : x + side] += np.outer(ramp, ramp)
    expected = torch.from_numpy(total / covered)[:, edge : edge + size, edge : edge + size]
    pictures = copy_nearest_patches(guess, keep, grid).pictures[0].double()
    assert torch.allclose(pictures, expected, atol=1e-5)


@pytest.mark.parametrize("mask", [torch.zeros(4, 4), torch.eye(4)])
def test_guess_is_unchanged_without_a_visible_patch(mask) -> None:
    guess = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    keep = F.interpolate(mask[None, None], (32, 32))
    copies = copy_nearest_patches(guess, keep, COMPLETE)
    assert torch.allclose(copies.pictures, guess, atol=1e-5)
    assert (copies.misfit[keep == 0] - 1).abs().max() < 1e-5


@pytest.fixture
def batch():
    guess = torch.rand(3, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    return guess, torch.cat([holes(seed=s)[..., :48] for s in range(3)])


def test_copies_are_independent_of_the_batch(batch) -> None:
    guess, keep = batch
    together = copy_nearest_patches(guess, keep).pictures
    alone = [copy_nearest_patches(guess[i : i + 1], keep[i : i + 1]).pictures for i in range(3)]
    assert torch.equal(together, torch.cat(alone))


def test_copies_are_independent_of_the_chunk_size(batch, monkeypatch) -> None:
    expected = copy_nearest_patches(*batch).pictures
    monkeypatch.setattr(patches, "MAX_PATCHES_PER_CHUNK", 7)
    assert torch.allclose(copy_nearest_patches(*batch).pictures, expected, atol=1e-6)


def test_fewer_sources_give_a_larger_misfit(batch, monkeypatch) -> None:
    expected = copy_nearest_patches(*batch)
    monkeypatch.setattr(patches, "MAX_SOURCE_PATCHES", 20)
    fewer = copy_nearest_patches(*batch)
    assert torch.isfinite(fewer.pictures).all()
    assert fewer.misfit.mean() > expected.misfit.mean()
