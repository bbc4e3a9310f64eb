"""Bootstrap intervals against the normal approximation."""

import math

import numpy as np
import pytest

from unsee.reports import bootstrap


def test_interval_by_hand() -> None:
    x = np.arange(30.0)
    mean = bootstrap.mean([*x, float("nan")])
    half = 1.96 * x.std() / np.sqrt(30)
    assert (mean.value, mean.photos) == (14.5, 30)
    assert mean.low == pytest.approx(14.5 - half, abs=0.4)
    assert mean.high == pytest.approx(14.5 + half, abs=0.4)
    assert bootstrap.mean([2.0] * 5)[:3] == (2.0, 2.0, 2.0)


def test_few_values_have_no_interval() -> None:
    mean = bootstrap.mean([2.0, 3.0, float("nan"), 4.0, 3.0])
    assert (mean.value, mean.photos) == (3.0, 4)
    assert math.isnan(mean.low)
    assert math.isnan(mean.high)
    assert str(mean) == "3.000"
    assert mean.interval() == "too few photos"
