"""Similarity of maps by hand and against scipy."""

import numpy as np
import pytest
import torch

from unsee import InputError
from unsee.metrics import _similarity


@pytest.fixture
def pair():
    return torch.rand(2, 48, 48, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("measure", _similarity.MEASURES)
def test_similarity_of_equal_and_of_unrelated_maps(pair, measure) -> None:
    first, second = pair
    assert _similarity.similarity(first, first, measure) == pytest.approx(1)
    assert _similarity.similarity(first, 3 * first - 1, measure) == pytest.approx(1)
    assert abs(_similarity.similarity(first, second, measure)) < 0.25
    assert _similarity.similarity(first, second, measure) == pytest.approx(
        _similarity.similarity(second, first, measure)
    )


@pytest.mark.parametrize("measure", _similarity.MEASURES)
def test_unit_of_the_maps_does_not_count(pair, measure) -> None:
    tiny = _similarity.similarity(*(1e-14 * pair), measure)
    assert tiny == pytest.approx(_similarity.similarity(*pair, measure), abs=1e-5)


@pytest.mark.parametrize("measure", _similarity.MEASURES)
def test_constant_map_has_no_similarity(pair, measure) -> None:
    constant = torch.zeros(48, 48)
    assert _similarity.similarity(pair[0], constant, measure) == 0
    assert np.isfinite(_similarity.stability(torch.stack([pair[0], constant]), measure))


def test_spearman_by_hand() -> None:
    first = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    second = torch.tensor([[10.0, 30.0, 20.0, 40.0]])
    assert _similarity.similarity(first, second) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert _similarity.similarity(first, -(second**3)) == pytest.approx(-0.8)


def test_stability_is_the_mean_over_pairs(pair) -> None:
    maps = torch.cat([pair, pair[:1]])
    similarity = _similarity.similarity(*pair)
    stability = _similarity.stability_by_measure(maps)["spearman"]
    assert stability == pytest.approx((1 + 2 * similarity) / 3)
    assert np.isnan(_similarity.stability_by_measure(pair[:1])["ssim"])


def test_similarities_are_of_corresponding_maps(pair) -> None:
    by_measure = _similarity.similarities_by_measure(pair, pair.flip(0))
    assert set(by_measure) == set(_similarity.MEASURES)
    expected = _similarity.similarity(*pair)
    assert by_measure["spearman"] == pytest.approx([expected, expected])


def test_unknown_measure_is_refused(pair) -> None:
    with pytest.raises(InputError, match="did you mean 'spearman'"):
        _similarity.similarity(*pair, "spearmann")
