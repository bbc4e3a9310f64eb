"""Saliency metric: the crop by hand."""

import math

import pytest
import torch.nn.functional as F

from tests.metrics.conftest import probability_of, rate, rectangle


def test_crop_and_area_by_hand(score, image) -> None:
    crop = F.interpolate(image[..., 8:16, 4:20], (32, 32), mode="bilinear", antialias=True)
    expected = math.log(128 / 1024) - math.log(probability_of(score, crop))
    assert rate("saliency_metric", score, rectangle()) == pytest.approx(expected, abs=1e-4)


def test_small_area_counts_as_a_twentieth(score, image) -> None:
    crop = image[..., 3:4, 3:4].expand(-1, -1, 32, 32)
    expected = math.log(0.05) - math.log(probability_of(score, crop))
    tiny = rectangle(3, 3, 4, 4)
    assert rate("saliency_metric", score, tiny) == pytest.approx(expected, abs=1e-4)
