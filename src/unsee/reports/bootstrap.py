"""Means with bootstrap confidence intervals (Efron & Tibshirani, 1993, chapter 13)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 5_000
"""Bootstrap samples of an interval."""
RESAMPLES_PER_BATCH = 100
"""Bootstrap samples in memory at a time."""
MIN_PHOTOS = 5
"""Photos below which no interval is computed: a bootstrap of so few values means little."""
TOO_FEW = "too few photos"
"""Text in place of the interval of fewer than `MIN_PHOTOS` photos."""


class Mean(NamedTuple):
    """A mean, its 95 % confidence interval (NaN for too few photos) and the number of photos."""

    value: float
    low: float
    high: float
    photos: int

    @property
    def has_interval(self) -> bool:
        """Whether there are enough photos for an interval."""
        return math.isfinite(self.low)

    def interval(self, sign: str = "") -> str:
        """Return the interval as text; with `sign` "+" its ends have signs."""
        if not self.has_interval:
            return TOO_FEW
        return f"[{self.low:{sign}.3f}, {self.high:{sign}.3f}]"

    def __str__(self) -> str:
        return f"{self.value:.3f} {self.interval()}" if self.has_interval else f"{self.value:.3f}"


def mean(values: Sequence[float]) -> Mean:
    """Return the mean of all finite values with its percentile bootstrap interval.

    The interval of fewer than `MIN_PHOTOS` values is NaN, that of equal values has no width.
    """
    from scipy.stats import bootstrap

    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    value = float(x.mean()) if len(x) else math.nan
    if len(x) < MIN_PHOTOS:
        return Mean(value, math.nan, math.nan, len(x))
    if np.ptp(x) == 0:
        return Mean(value, value, value, len(x))
    interval = bootstrap(
        (x,), np.mean, n_resamples=RESAMPLES, batch=RESAMPLES_PER_BATCH, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return Mean(value, float(interval.low), float(interval.high), len(x))
