"""Minimal mask against an interpolation in numpy."""

import numpy as np
import pytest

from tests.metrics.conftest import rate
from unsee.metrics._curves import PROTOCOLS, curve


@pytest.mark.parametrize("drop", [0.2, 0.5, 0.9])
def test_minimal_mask_by_numpy(score, noise, drop) -> None:
    share, log_odds, _ = curve(score, noise, PROTOCOLS["infill"], "deletion")
    log_odds = log_odds[0].numpy()
    drops = (log_odds[0] - log_odds) / max(log_odds[0] - log_odds[-1], 1e-6)
    point = int(np.argmax(drops >= drop))
    expected = np.interp(drop, drops[point - 1 : point + 1], share[point - 1 : point + 1].numpy())
    if drops.max() < drop:
        expected = 1.0
    assert rate("minimal_mask", score, noise, drop=drop) == pytest.approx(expected, abs=1e-4)
