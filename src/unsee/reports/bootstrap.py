"""Means that say how sure they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS, TOGETHER = 5_000, 100
"""Of the bootstrap, and how many of them are in memory at a time."""
FEWEST = 5
"""Photos below which no interval is given: a bootstrap of so few says nothing."""


class Mean(NamedTuple):
    """A mean, its 95 % interval and the number of photos behind it."""

    value: float
    low: float
    high: float
    photos: int

    def __str__(self) -> str:
        known = math.isfinite(self.low)
        return (
            f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]" if known else f"{self.value:.3f}"
        )


def mean(values: Sequence[float]) -> Mean:
    """Percentile bootstrap over photos; what is not finite is left out.

    The interval of fewer than five photos is not known (NaN).
    """
    from scipy.stats import bootstrap

    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    value = float(x.mean()) if len(x) else math.nan
    if len(x) < FEWEST:
        return Mean(value, math.nan, math.nan, len(x))
    if np.ptp(x) == 0:
        return Mean(value, value, value, len(x))
    found = bootstrap(
        (x,), np.mean, n_resamples=DRAWS, batch=TOGETHER, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return Mean(value, float(found.low), float(found.high), len(x))
