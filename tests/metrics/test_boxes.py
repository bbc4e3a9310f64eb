"""Thresholds, boxes and components against values computed by hand."""

import numpy as np
import pytest
import torch

from unsee import InputError
from unsee.metrics import _boxes


@pytest.mark.parametrize(
    ("threshold", "alpha", "expected"),
    [
        ("max", 0.4, [0, 0, 1, 1]),
        ("max", 1.0, [0, 0, 0, 1]),
        ("mean", 1.0, [0, 0, 1, 1]),
        ("minmax", 0.2, [0, 1, 1, 1]),
        ("energy", 0.6, [0, 0, 0, 1]),
        ("energy", 0.7, [0, 0, 1, 1]),
        ("energy", 1.0, [0, 1, 1, 1]),
    ],
)
def test_thresholds_by_hand(threshold, alpha, expected) -> None:
    saliency = torch.tensor([[0.0, 1.0, 2.0, 5.0]])
    assert _boxes.threshold_mask(saliency, threshold, alpha).int().tolist() == [expected]


@pytest.mark.parametrize("threshold", ["max", "mean", "energy", "minmax"])
def test_map_without_positive_values_counts_from_its_minimum(threshold) -> None:
    saliency = torch.tensor([[0.0, 1.0, 2.0, 5.0]])
    expected = _boxes.threshold_mask(saliency, threshold, 0.6)
    for offset in (5, 7):
        assert torch.equal(_boxes.threshold_mask(saliency - offset, threshold, 0.6), expected)


def test_share_threshold_takes_the_mean_of_the_map() -> None:
    soft = torch.tensor([[0.9, 0.6, 0.4, 0.1]])
    assert _boxes.threshold_mask(soft, "share", 1.0).int().tolist() == [[1, 1, 0, 0]]


def test_equal_pixels_are_ordered_by_the_seeded_shuffle() -> None:
    flat = torch.full((32, 32), 0.5)
    for threshold, alpha in (("share", 1.0), ("energy", 0.5)):
        mask = _boxes.threshold_mask(flat, threshold, alpha)
        assert mask.sum() == 512
        assert 150 < mask[:16].sum() < 362  # spread over the map
    for seed in range(20):
        noise = torch.rand(32, 32, generator=torch.Generator().manual_seed(seed))
        assert _boxes.threshold_mask(noise, "energy", 1.0).all()
    assert not _boxes.threshold_mask(torch.zeros(8, 8), "energy", 1.0).any()


def test_boxes_by_hand() -> None:
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[1:3, 2:7], mask[6, 0] = True, True
    assert _boxes.bounding_box(mask).tolist() == [0, 1, 7, 7]
    assert _boxes.bounding_box(_boxes.largest_component(mask)).tolist() == [2, 1, 7, 3]
    assert _boxes.bounding_box(torch.zeros(4, 4, dtype=torch.bool)) is None


def test_intersection_over_union_by_hand() -> None:
    box = torch.tensor([0.0, 0.0, 4.0, 4.0])
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0], [5.0, 5.0, 6.0, 6.0]])
    expected = torch.tensor([1.0, 8 / 24, 0.0])
    torch.testing.assert_close(_boxes.intersection_over_union(box, boxes), expected)


def test_region_is_a_mask_or_boxes() -> None:
    saliency = torch.zeros(4, 4)
    mask = np.zeros((4, 4), dtype=bool)
    mask[1:3, :2] = True
    assert _boxes.region_mask(mask, saliency).tolist() == mask.tolist()
    assert _boxes.region_mask(np.array([[0, 1, 2, 3]]), saliency).tolist() == mask.tolist()
    assert _boxes.region_mask(np.zeros((0, 4)), saliency) is None
    with pytest.raises(InputError, match=r"expected boxes of shape \(n, 4\)"):
        _boxes.region_mask(np.zeros(4), saliency)
    with pytest.raises(InputError, match=r"expected a mask of shape \(4, 4\)"):
        _boxes.region_mask(np.ones((2, 2), dtype=bool), saliency)
