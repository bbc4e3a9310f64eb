import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unsee import InputError
from unsee.masking import masks
from unsee.masking.soft_top_k import soft_top_k


def test_compose_is_exact_for_full_and_empty_masks() -> None:
    images, backgrounds = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    assert torch.equal(masks.compose(images, backgrounds, torch.ones(2, 1, 8, 8)), images)
    assert torch.equal(masks.compose(images, backgrounds, torch.zeros(2, 1, 8, 8)), backgrounds)


def test_total_variation_by_hand() -> None:
    mask = torch.tensor([[0.0, 1.0], [0.5, 1.0]]).view(1, 1, 1, 2, 2)
    assert masks.total_variation(mask, 2).item() == pytest.approx((0.25 + 0) / 2 + (1 + 0.25) / 2)
    assert masks.total_variation(torch.ones(2, 1, 1, 1, 1)).tolist() == [0, 0]


def test_bilateral_variation_by_numpy() -> None:
    g = np.random.default_rng(0)
    mask, image = g.random((1, 1, 1, 5, 6)), g.random((1, 3, 5, 6))
    expected = 0.0
    for axis in (0, 1):
        dm, di = np.diff(mask[0, 0, 0], axis=axis), np.diff(image[0], axis=axis + 1)
        expected += (np.exp(-(di**2) / 0.01) * np.abs(dm) ** 2).mean()
    got = masks.bilateral_variation(torch.tensor(mask), torch.tensor(image), 0.01)
    assert got.item() == pytest.approx(expected)


def test_bilateral_variation_is_small_at_image_edges() -> None:
    mask = torch.zeros(1, 1, 1, 4, 4)
    mask[..., 2:] = 1
    flat, edged = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    edged[..., 2:] = 1
    at_edge = masks.bilateral_variation(mask, edged, 0.01)
    elsewhere = masks.bilateral_variation(mask, flat, 0.01)
    assert at_edge < 1e-6 < elsewhere


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=12), st.integers(0, 5))
def test_ranks_are_a_permutation_by_importance(values, seed) -> None:
    saliency = torch.tensor(values, dtype=torch.float32).view(1, 3, 4)
    ranks = masks.ranks(saliency, seed)[0]
    assert sorted(ranks.tolist()) == list(range(12))
    ordered = saliency.flatten()[ranks.argsort()]
    assert (ordered.diff() <= 0).all()
    assert torch.equal(masks.ranks(saliency, seed)[0], ranks)


def test_ties_are_shuffled() -> None:
    ranks = masks.ranks(torch.zeros(1, 20, 20))[0].view(20, 20)
    first_half = ranks < 200
    assert 60 < first_half[:10].sum() < 140
    assert 60 < first_half[:, :10].sum() < 140


def test_top_share_keeps_the_highest_pixels() -> None:
    saliency = torch.arange(100.0).view(1, 10, 10)
    top = masks.top_share(saliency, 0.15)
    assert top.shape == (1, 1, 1, 10, 10)
    assert top.sum() == 15
    assert saliency[top[:, 0, 0] == 1].min() == 85


def test_patches_remove_rectangles() -> None:
    keep = masks.patches(torch.tensor([1.0]), torch.tensor([2.0]), (2, 3), (5, 6))
    expected = torch.ones(5, 6)
    expected[1:3, 2:5] = 0
    assert torch.equal(keep[0, 0], expected)


def test_shifted_grids_are_crops_of_upsampled_grids() -> None:
    torch.manual_seed(0)
    grid, shift = torch.rand(1, 3, 5, 5), torch.tensor([[[0.0, 0.0], [0.5, 0.25], [0.75, 0.0]]])
    fine = torch.nn.functional.interpolate(grid, (40, 40), mode="bilinear", align_corners=False)
    got = masks.shifted_grids(grid, shift, (32, 32))
    for k, (top, left) in enumerate([(0, 0), (4, 2), (6, 0)]):
        torch.testing.assert_close(got[0, k], fine[0, k, top : top + 32, left : left + 32])


def test_relaxed_bernoulli_is_nearly_binary_and_differentiable() -> None:
    p = torch.full((20000,), 0.3, requires_grad=True)
    noise = torch.rand(20000, generator=torch.Generator().manual_seed(0))
    keep = masks.relaxed_bernoulli(p.logit(), noise, 0.1)
    assert (keep > 0.5).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert ((keep < 0.1) | (keep > 0.9)).float().mean() > 0.85
    keep.sum().backward()
    assert (p.grad > 0).any()


def test_soft_top_k_refuses_counts_out_of_range() -> None:
    for count in (-1.0, 0.0, 5.5):
        with pytest.raises(InputError, match=r"expected counts in \(0, 5\]"):
            soft_top_k(torch.zeros(1, 5), torch.tensor([count]))
    whole = soft_top_k(torch.zeros(1, 5), torch.tensor([5.0]))
    torch.testing.assert_close(whole, torch.ones(1, 5))
