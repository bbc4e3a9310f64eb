"""Pointing game: distances from the maximum to the object, by hand."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import RECTANGLE, rate, single_pixel, truths
from unsee.metrics.base import Truth
from unsee.metrics.pointing_game import pointing_game


def test_distances_by_hand(score) -> None:
    saliency, distant = single_pixel(10, 12), truths((20, 20, 30, 30))
    assert rate("pointing_game", score, saliency, truths(RECTANGLE)) == 1
    assert rate("pointing_game", score, saliency, distant, tolerance=3) == 0
    # from (10, 12) to the pixel (20, 20) of the box: sqrt(164) = 12.8
    assert rate("pointing_game", score, saliency, distant, tolerance=12.7) == 0
    assert rate("pointing_game", score, saliency, distant, tolerance=12.9) == 1


def test_mask_replaces_the_boxes(score) -> None:
    mask = torch.zeros(32, 32, dtype=torch.bool)
    mask[0, 0] = True
    truth = Truth(torch.tensor([[4.0, 8.0, 20.0, 16.0]]), mask)
    assert rate("pointing_game", score, single_pixel(10, 12), [truth], tolerance=3) == 0


def test_function_takes_arrays() -> None:
    maps = single_pixel(10, 12).expand(3, -1, -1).numpy()
    mask = np.zeros((32, 32), dtype=bool)
    mask[10, 14] = True
    regions = [np.array([RECTANGLE]), mask, np.zeros((0, 4))]
    np.testing.assert_array_equal(pointing_game(maps, regions, tolerance=1), [1, 0, np.nan])
    np.testing.assert_array_equal(pointing_game(maps, regions, tolerance=2), [1, 1, np.nan])


def test_constant_map_points_to_the_centre() -> None:
    flat = np.ones((1, 33, 33))
    assert pointing_game(flat, [np.array([[16, 16, 17, 17]])], tolerance=0).item() == 1


@pytest.mark.parametrize(
    ("size", "largest"), [((224, 224), 15), ((240, 500), 15), ((112, 300), 7), ((30, 30), 2)]
)
def test_default_tolerance_is_a_share_of_a_small_side(size, largest) -> None:
    """A hit at the largest distance, and a miss one pixel further."""
    maps = torch.zeros(2, *size)
    maps[0, 0, largest + 1] = maps[1, 0, largest + 2] = 1
    region = np.array([[0, 0, 2, 1]])  # its last pixel is in column 1
    np.testing.assert_array_equal(pointing_game(maps, [region] * 2), [1, 0])
    np.testing.assert_array_equal(pointing_game(maps, [region] * 2, tolerance=20), [1, 1])


def test_default_tolerance_of_the_metric_fits_the_image(score) -> None:
    labels = truths((20, 12, 30, 13))  # 3 pixels to the right of the maximum
    assert rate("pointing_game", score, single_pixel(12, 17), labels) == 0
    assert rate("pointing_game", score, single_pixel(12, 18), labels) == 1
    assert rate("pointing_game", score, single_pixel(12, 17), labels, tolerance=15) == 1
