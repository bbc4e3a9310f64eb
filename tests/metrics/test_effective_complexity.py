"""Effective complexity against the last point of the curve that differs."""

import pytest
import torch

from unsee import create
from unsee.metrics import _curves


@pytest.fixture
def maps():
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("tolerance", [0.001, 0.01, 0.5])
def test_effective_complexity_by_the_curve(batch_score, maps, tolerance) -> None:
    share, scores, _ = _curves.curve(batch_score, maps, _curves.PROTOCOLS["clean"], "insertion")
    expected = []
    for row in scores:
        k = len(row) - 1
        while k > 0 and abs(row[k - 1] - row[-1]) <= tolerance:
            k -= 1
        expected.append(share[k].item())
    metric = create("metrics", "effective_complexity", tolerance=tolerance)
    assert metric.rate(batch_score, maps).tolist() == pytest.approx(expected)


def test_no_pixel_is_needed_if_the_infilled_image_has_the_probability(batch_score, maps) -> None:
    metric = create("metrics", "effective_complexity", tolerance=0.5)
    assert (metric.rate(batch_score, maps) == 0).all()
