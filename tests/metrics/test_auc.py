"""Area under the ROC curve of the pixels, by hand and by counting pairs."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import RECTANGLE, rate, rectangle, truths
from unsee.metrics.auc import auc


def pairs(saliency, mask):
    """Share of the pairs of a pixel on the object and one beside it that are in order."""
    on, beside = saliency[mask], saliency[~mask]
    return (on[:, None] > beside).double().mean().item()


def test_area_by_hand() -> None:
    maps = torch.tensor([[[4.0, 3.0], [2.0, 1.0]]])
    for mask, expected in (
        ([[True, True], [False, False]], 1.0),
        ([[True, False], [True, False]], 0.75),  # of four pairs, 2 > 3 is wrong
        ([[True, False], [False, True]], 0.5),
        ([[False, True], [False, True]], 0.25),
        ([[False, False], [True, True]], 0.0),
        ([[False, True], [False, False]], 2 / 3),
    ):
        assert auc(maps, [np.array(mask)]).item() == pytest.approx(expected)


def test_area_is_the_share_of_ordered_pairs(noise) -> None:
    mask = torch.zeros(32, 32, dtype=torch.bool)
    mask[3:20, 5:9] = True
    shifted = noise + 0.3 * mask
    assert auc(shifted, [mask]).item() == pytest.approx(pairs(shifted[0], mask), abs=1e-6)
    assert auc(shifted.exp(), [mask]).item() == auc(shifted, [mask]).item()  # ranks alone count


def test_perfect_inverted_and_constant_maps(score) -> None:
    label = truths(RECTANGLE)
    assert rate("auc", score, rectangle(), label) == 1
    assert rate("auc", score, -rectangle(), label) == 0
    constant = rate("auc", score, torch.zeros(1, 32, 32), label)
    assert constant == pytest.approx(0.5, abs=0.05)
    assert rate("auc", score, torch.ones(1, 32, 32), label) == constant  # a seeded shuffle


def test_images_without_two_kinds_of_pixels_have_no_value() -> None:
    maps = torch.rand(3, 4, 4)
    regions = [np.zeros((0, 4)), np.array([[0, 0, 4, 4]]), np.zeros((4, 4), dtype=bool)]
    assert auc(maps, regions).isnan().all()
