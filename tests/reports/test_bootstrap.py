"""Bootstrap intervals against the normal approximation."""

import math

import numpy as np
import pytest
import scipy.stats

from unsee.reports import bootstrap


def test_interval_by_hand() -> None:
    x = np.arange(30.0)
    mean = bootstrap.mean([*x, float("nan")])
    half = 1.96 * x.std() / np.sqrt(30)
    assert (mean.value, mean.photos) == (14.5, 30)
    assert mean.low == pytest.approx(14.5 - half, abs=0.4)
    assert mean.high == pytest.approx(14.5 + half, abs=0.4)
    assert bootstrap.mean([2.0] * 5)[:3] == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 1.0] * 20 + [1.0] * 9,
        [0.9, 0.02, 0.05, 0.01, 0.4, 0.03, 0.0, 0.08],
        np.random.default_rng(1).lognormal(size=60).tolist(),
    ],
)
def test_interval_is_that_of_scipy(values) -> None:
    """SciPy repeats the mean for each value that is left out, which takes n² operations."""
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=bootstrap.RESAMPLES, batch=100, method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    mean = bootstrap.mean(values)
    assert (mean.low, mean.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_few_values_have_no_interval() -> None:
    mean = bootstrap.mean([2.0, 3.0, float("nan"), 4.0, 3.0])
    assert (mean.value, mean.photos) == (3.0, 4)
    assert math.isnan(mean.low)
    assert math.isnan(mean.high)
    assert str(mean) == "3.000"
    assert mean.interval() == "too few photos"
