"""Localisation error against boxes whose overlap is computed by hand."""

import math

import numpy as np
import pytest

from tests.conftest import Convolutional, masked_score, toy
from tests.metrics.conftest import RECTANGLE, rate, rectangle, truths
from unsee import InputError
from unsee.metrics.base import Truth
from unsee.metrics.localisation import localisation_error


@pytest.mark.parametrize(
    ("box", "error"),
    [
        (RECTANGLE, 0),
        ((4, 8, 20, 24), 0),  # an overlap of exactly half
        ((4, 8, 20, 25), 1),
        ((20, 20, 30, 30), 1),
    ],
)
def test_error_by_hand(score, box, error) -> None:
    assert rate("localisation", score, rectangle(), truths(box)) == error


def test_overlap_of_exactly_half_is_an_error_where_it_must_exceed_it(score) -> None:
    for box, error in (((4, 8, 20, 24), 1), ((4, 8, 20, 23), 0), (RECTANGLE, 0)):
        assert rate("localisation", score, rectangle(), truths(box), strict=True) == error


def test_best_of_several_boxes_counts(score) -> None:
    assert rate("localisation", score, rectangle(), truths((0, 0, 2, 2), RECTANGLE)) == 0


def test_component_and_alpha_ignore_a_distant_pixel(score) -> None:
    saliency = rectangle()
    saliency[0, 31, 31] = 0.6
    labels = truths(RECTANGLE)
    assert rate("localisation", score, saliency, labels) == 1
    assert rate("localisation", score, saliency, labels, component=True) == 0
    assert rate("localisation", score, saliency, labels, alpha=0.7) == 0


def test_official_error_requires_the_right_class(image) -> None:
    network = toy(Convolutional())
    predicted = int(network.predict(image).argmax())
    right, wrong = (
        masked_score(network, image, target=t) for t in (predicted, (predicted + 1) % 5)
    )
    labels = truths(RECTANGLE)
    assert rate("localisation", right, rectangle(), labels, official=True) == 0
    assert rate("localisation", wrong, rectangle(), labels, official=True) == 1
    assert math.isnan(rate("localisation", wrong, rectangle(), [Truth()], official=True))


def test_function_takes_arrays() -> None:
    maps = np.repeat(rectangle().numpy(), 3, axis=0)
    boxes = [np.array([RECTANGLE]), np.array([[20, 20, 30, 30]]), np.zeros((0, 4))]
    errors = localisation_error(maps, boxes)
    np.testing.assert_array_equal(errors, [0, 1, np.nan])
    with pytest.raises(InputError, match="expected 3 arrays of boxes"):
        localisation_error(maps, boxes[:2])
    with pytest.raises(InputError, match="0 <= alpha <= 1"):
        localisation_error(maps, boxes, alpha=2.0)
