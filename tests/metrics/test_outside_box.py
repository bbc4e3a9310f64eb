"""Share of the mask outside the object by hand."""

import math

import numpy as np

from tests.metrics.conftest import rate, rectangle, truths
from unsee.metrics.outside_box import outside_box

LEFT_HALF = (4, 8, 12, 16)


def test_share_by_hand(score) -> None:
    assert rate("outside_box", score, rectangle(), truths(LEFT_HALF)) == 0.5
    assert rate("outside_box", score, 0.6 * rectangle(), truths(LEFT_HALF), level=0.55) == 0.5


def test_empty_mask_has_no_share(score) -> None:
    assert math.isnan(rate("outside_box", score, 0.4 * rectangle(), truths(LEFT_HALF)))
    assert math.isnan(rate("outside_box", score, 0.6 * rectangle(), truths(LEFT_HALF), level=0.7))


def test_function_takes_arrays() -> None:
    maps = np.repeat(rectangle().numpy(), 2, axis=0)
    shares = outside_box(maps, [np.array([LEFT_HALF]), np.zeros((0, 4))])
    np.testing.assert_array_equal(shares, [0.5, np.nan])
