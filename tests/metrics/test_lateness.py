"""Lateness against the first point of the insertion curve."""

import math

import pytest

from tests.conftest import Convolutional, masked_score, toy
from tests.metrics.conftest import rate
from unsee.metrics._curves import PROTOCOLS, curve


@pytest.mark.parametrize("part", [0.5, 0.9, 1.0])
def test_lateness_by_the_curve(score, noise, part) -> None:
    share, scores, _ = curve(score, noise, PROTOCOLS["igos"], "insertion")
    scores = scores[0]
    point = next(i for i, value in enumerate(scores) if value >= part * scores[-1])
    assert rate("lateness", score, noise, part=part) == pytest.approx(share[point].item())


def test_log_odds_count_from_the_removed_image(score, noise) -> None:
    share, scores, _ = curve(score, noise, PROTOCOLS["infill"], "insertion")
    scores = scores[0].tolist()
    goal = scores[0] + 0.6 * (scores[-1] - scores[0])
    expected = share[next(i for i, value in enumerate(scores) if value >= goal)].item()
    assert scores[-1] > scores[0]
    assert expected > 0
    value = rate("lateness", score, noise, protocol="infill", part=0.6)
    assert value == pytest.approx(expected)


def test_log_odds_that_nothing_lowers_have_no_lateness(image, noise) -> None:
    rises, has_value = [], []
    for target in range(5):
        score = masked_score(toy(Convolutional()), image, target=target)
        scores = curve(score, noise, PROTOCOLS["infill"], "insertion").scores[0]
        rises.append(bool(scores[-1] > scores[0]))
        has_value.append(not math.isnan(rate("lateness", score, noise, protocol="infill")))
    assert set(rises) == {True, False}
    assert has_value == rises
