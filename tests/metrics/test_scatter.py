"""Scatter: regions counted by hand."""

import math

import numpy as np
import pytest
import torch

from tests.metrics.conftest import rate
from unsee import InputError, create
from unsee.metrics.scatter import scatter


@pytest.fixture
def blocks():
    """Three blocks of 16 pixels; the last two touch at a corner."""
    saliency = torch.zeros(1, 32, 32)
    saliency[0, :4, :4], saliency[0, 10:14, 10:14], saliency[0, 14:18, 14:18] = 3.0, 2.0, 1.0
    return saliency


@pytest.mark.parametrize(
    ("share", "regions"), [(16 / 1024, 1), (32 / 1024, 2), (48 / 1024, 3), (1.0, 1)]
)
def test_regions_by_hand(score, blocks, share, regions) -> None:
    assert rate("scatter", score, blocks, share=share) == regions
    assert scatter(blocks.numpy(), share).item() == regions


def test_constant_map_has_many_regions() -> None:
    assert scatter(np.zeros((1, 32, 32))).item() > 50


@pytest.mark.parametrize("share", [0.0, 1.5, math.nan])
def test_share_outside_its_range_is_refused(blocks, share) -> None:
    with pytest.raises(InputError, match=r"expected a (share in \(0, 1\]|finite share)"):
        create("metrics", "scatter", share=share)
    with pytest.raises(InputError, match=r"expected a share in \(0, 1\]"):
        scatter(blocks, share)
