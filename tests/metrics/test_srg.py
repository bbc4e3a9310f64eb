"""Symmetric relevance gain against two deletion areas."""

import pytest

from tests.metrics.conftest import rate
from unsee.metrics._curves import PROTOCOLS, curve


def test_srg_is_the_difference_of_two_areas(score, noise) -> None:
    highest_first, lowest_first = (
        PROTOCOLS["rise"].area(curve(score, ranked, PROTOCOLS["rise"], "deletion")).item()
        for ranked in (noise, -noise)
    )
    expected = lowest_first - highest_first
    assert rate("srg", score, noise) == pytest.approx(expected, abs=1e-6)
    assert rate("srg", score, -noise) == pytest.approx(-expected, abs=1e-6)
