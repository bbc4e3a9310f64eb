"""Precision at a share of the pixels, by hand."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import RECTANGLE, rate, rectangle, truths
from unsee import InputError, create
from unsee.metrics.precision import precision

RAMP = torch.arange(16.0).view(1, 4, 4)
"""A map whose last pixel is the highest."""
LAST_COLUMN = np.array([[3, 0, 4, 4]])
"""Pixels of ranks 0, 4, 8 and 12."""


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, 1 / 4),  # four pixels: those of the last row
        (1 / 16, 1.0),  # the highest alone
        (0.001, 1.0),
        (2 / 16, 1 / 2),
        (5 / 16, 2 / 5),
        (1.0, 1 / 4),
    ],
)
def test_shares_by_hand(share, expected) -> None:
    assert precision(RAMP, [LAST_COLUMN], share).item() == pytest.approx(expected)
    mask = np.zeros((4, 4), dtype=bool)
    mask[:, 3] = True
    assert precision(RAMP.numpy(), [mask], share).item() == pytest.approx(expected)


def test_perfect_inverted_and_constant_maps(score) -> None:
    label = truths(RECTANGLE)
    for share in (0.0, 0.05, 0.125):
        assert rate("precision", score, rectangle(), label, share=share) == 1
        assert rate("precision", score, -rectangle(), label, share=share) == 0
    # the object has 128 of 1024 pixels, and so a constant map an eighth of each share
    constant = rate("precision", score, torch.ones(1, 32, 32), label, share=0.5)
    assert constant == pytest.approx(1 / 8, abs=0.03)
    assert rate("precision", score, rectangle(), label, share=0.25) == 0.5


def test_images_without_a_label_have_no_value() -> None:
    values = precision(RAMP.expand(2, -1, -1), [np.zeros((0, 4)), np.array([[0, 0, 4, 4]])])
    np.testing.assert_array_equal(values, [np.nan, 1])


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_share_outside_its_range_is_refused(share) -> None:
    with pytest.raises(InputError, match=r"share in \[0, 1\]|share >= 0"):
        create("metrics", "precision", share=share)
    with pytest.raises(InputError, match="precision: expected a share"):
        precision(RAMP, [LAST_COLUMN], share)
