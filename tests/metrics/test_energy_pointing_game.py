"""Energy-based pointing game by hand."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import RECTANGLE, rate, rectangle, truths
from unsee.metrics.energy_pointing_game import energy_pointing_game


@pytest.fixture
def saliency():
    """A sum of 3 * 128 in the rectangle, 2 * 12 outside, and a negative value."""
    saliency = rectangle() * 3
    saliency[0, 20, 20:32] = 2
    saliency[0, 30, 30] = -50
    return saliency


EXPECTED = 3 * 128 / (3 * 128 + 2 * 12)


def test_share_by_hand(score, saliency) -> None:
    share = rate("energy_pointing_game", score, saliency, truths(RECTANGLE))
    assert share == pytest.approx(EXPECTED)


def test_constant_map_has_the_share_of_the_object(score) -> None:
    for level in (-3.0, 0.0, 2.0):
        saliency = torch.full((1, 32, 32), level)
        assert rate("energy_pointing_game", score, saliency, truths((0, 0, 16, 32))) == 0.5


def test_map_without_positive_values_counts_from_its_minimum(score) -> None:
    saliency = rectangle() - 3
    saliency[0, 20, 20:32] = -2.5
    for maps in (saliency, saliency + 2):
        share = rate("energy_pointing_game", score, maps, truths(RECTANGLE))
        assert share == pytest.approx(128 / (128 + 6))


def test_function_takes_arrays(saliency) -> None:
    maps = np.repeat(saliency.numpy(), 2, axis=0)
    shares = energy_pointing_game(maps, [np.array([RECTANGLE]), np.zeros((0, 4))])
    np.testing.assert_allclose(shares, [EXPECTED, np.nan], rtol=1e-6)
