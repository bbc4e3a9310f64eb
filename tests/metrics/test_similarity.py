"""Similarity of maps against values computed by hand."""

import numpy as np
import pytest
import torch

from unsee.metrics import _similarity


@pytest.fixture
def noise():
    return torch.rand(2, 48, 48, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("measure", _similarity.MEASURES)
def test_similarity_of_equal_and_of_independent_maps(noise, measure) -> None:
    one, other = noise
    assert _similarity.alike(one, one, measure) == pytest.approx(1)
    assert _similarity.alike(one, 3 * one - 1, measure) == pytest.approx(1)
    assert abs(_similarity.alike(one, other, measure)) < 0.25
    assert _similarity.alike(one, other, measure) == pytest.approx(
        _similarity.alike(other, one, measure)
    )
    assert np.isfinite(_similarity.alike(one, torch.zeros(48, 48), measure))


def test_spearman_by_hand() -> None:
    one = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    other = torch.tensor([[10.0, 30.0, 20.0, 40.0]])
    assert _similarity.alike(one, other) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert _similarity.alike(one, -(other**3)) == pytest.approx(-0.8)


def test_sensitivity_is_the_mean_over_pairs(noise) -> None:
    three = torch.cat([noise, noise[:1]])
    found = _similarity.sensitivity(three)
    pair = _similarity.alike(*noise)
    assert found["spearman"] == pytest.approx((1 + 2 * pair) / 3)
    assert np.isnan(_similarity.sensitivity(noise[:1])["ssim"])
