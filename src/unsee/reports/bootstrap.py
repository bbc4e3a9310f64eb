"""Means with bias-corrected and accelerated (BCa) bootstrap intervals.

Reference: Efron, 1987, Better bootstrap confidence intervals, JASA 82,
https://doi.org/10.1080/01621459.1987.10478410
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = np.array([0.025, 0.975])
"""Quantiles of a 95 % interval."""
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
    """Return the mean of all finite values with its bootstrap interval, corrected by BCa.

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
    resampled = bootstrap(
        (x,), np.mean, n_resamples=RESAMPLES, batch=RESAMPLES_PER_BATCH, method="percentile",
        rng=np.random.default_rng(0),
    ).bootstrap_distribution  # fmt: skip
    low, high = np.quantile(resampled, _corrected_levels(x, resampled))
    return Mean(value, float(low), float(high), len(x))


def _corrected_levels(
    x: NDArray[np.float64], resampled: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quantiles of the resampled means at which a BCa interval ends (Efron, 1987).

    Phi(z0 + (z0 + z) / (1 - a (z0 + z))) for the normal quantiles z of .025 and .975. z0 corrects
    the bias: the normal quantile of the share of resampled means below the mean, equal ones
    counted by half. a corrects the skewness: for a mean, the jackknife of SciPy's `bootstrap` has
    the closed form sum (x - mean)^3 / (6 (sum (x - mean)^2)^1.5), which is linear in the photos.
    """
    from scipy.special import ndtr, ndtri

    difference = x - x.mean()
    below = ((resampled < x.mean()).mean() + (resampled <= x.mean()).mean()) / 2
    bias = ndtri(below)
    skewness = (difference**3).sum() / (6 * (difference**2).sum() ** 1.5)
    shifted = bias + ndtri(LEVELS)
    levels: NDArray[np.float64] = ndtr(bias + shifted / (1 - skewness * shifted))
    return levels
