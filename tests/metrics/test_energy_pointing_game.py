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


def test_map_without_positive_values_is_a_constant_map(score) -> None:
    for saliency in (torch.zeros(1, 32, 32), -torch.rand(1, 32, 32)):
        assert rate("energy_pointing_game", score, saliency, truths((0, 0, 16, 32))) == 0.5


def test_function_takes_arrays(saliency) -> None:
    maps = np.repeat(saliency.numpy(), 2, axis=0)
    shares = energy_pointing_game(maps, [np.array([RECTANGLE]), np.zeros((0, 4))])
    np.testing.assert_allclose(shares, [EXPECTED, np.nan], rtol=1e-6)
