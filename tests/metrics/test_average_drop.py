"""Average drop and increase against one masked image."""

import pytest

from tests.metrics.conftest import probability_of, rate, rectangle


def test_average_drop_and_increase_by_hand(score, image) -> None:
    keep = rectangle()
    whole = probability_of(score, image)
    masked = probability_of(score, image * keep + 0.4 * (1 - keep))
    saliency = 5 * keep - 2
    drop = rate("average_drop", score, saliency)
    assert drop == pytest.approx(max(0, whole - masked) / whole, abs=1e-5)
    assert rate("average_increase", score, saliency) == float(masked > whole)
