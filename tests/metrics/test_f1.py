"""Continuous F1 by hand."""

import numpy as np
import pytest

from tests.metrics.conftest import RECTANGLE, rate, rectangle, truths
from unsee.metrics.f1 import f1

LEFT_HALF = (4, 8, 12, 16)


def test_f1_by_hand(score) -> None:
    soft = 0.5 * rectangle()
    # half of the mask's sum lies in the box, and the mask is 1/2 everywhere in the box
    precision, recall = 0.5, 0.5
    expected = 2 * precision * recall / (precision + recall)
    assert rate("f1", score, soft, truths(LEFT_HALF), mask="raw") == pytest.approx(expected)
    boxes = truths((0, 0, 1, 1), LEFT_HALF)
    assert rate("f1", score, soft, boxes, mask="raw") == pytest.approx(expected)
    assert rate("f1", score, rectangle(), truths(RECTANGLE)) == pytest.approx(1)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (0.5, 0.2), (5.0, -2.0), (0.01, 0.0)])
def test_unit_of_the_map_does_not_matter(score, factor, offset) -> None:
    saliency = factor * rectangle() + offset
    assert rate("f1", score, saliency, truths(RECTANGLE)) == pytest.approx(1)


def test_function_takes_arrays() -> None:
    maps = np.repeat(0.5 * rectangle().numpy(), 2, axis=0)
    values = f1(maps, [np.array([LEFT_HALF]), np.zeros((0, 4))], "raw")
    np.testing.assert_allclose(values, [0.5, np.nan], rtol=1e-6)
