"""Lateness against the first point of the insertion curve."""

import pytest

from tests.metrics.conftest import rate
from unsee.metrics._curves import PROTOCOLS, curve


@pytest.mark.parametrize("part", [0.5, 0.9, 1.0])
def test_lateness_by_the_curve(score, noise, part) -> None:
    share, scores, _ = curve(score, noise, PROTOCOLS["igos"], "insertion")
    scores = scores[0]
    point = next(i for i, value in enumerate(scores) if value >= part * scores[-1])
    assert rate("lateness", score, noise, part=part) == pytest.approx(share[point].item())
