"""Means that say how sure they are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 5_000
"""Of the bootstrap."""


class Mean(NamedTuple):
    """A mean, its 95 % interval and the number of photos behind it."""

    value: float
    low: float
    high: float
    photos: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean(values: Sequence[float]) -> Mean:
    """Percentile bootstrap over photos; what is not finite is left out."""
    from scipy.stats import bootstrap

    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if len(x) < 2 or np.ptp(x) == 0:
        value = float(x.mean()) if len(x) else float("nan")
        return Mean(value, value, value, len(x))
    found = bootstrap(
        (x,), np.mean, n_resamples=DRAWS, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return Mean(float(x.mean()), float(found.low), float(found.high), len(x))
