"""Saliency metric: the crop by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from tests.conftest import Convolutional, masked_score, toy
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


def test_images_that_are_not_square(image) -> None:
    wide = image[..., :16, :]
    score = masked_score(toy(Convolutional()), wide)
    saliency = torch.zeros(1, 16, 32)
    saliency[:, 2:10, 4:28] = 1
    crop = F.interpolate(wide[..., 2:10, 4:28], (16, 32), mode="bilinear", antialias=True)
    expected = math.log(8 * 24 / (16 * 32)) - math.log(probability_of(score, crop))
    assert rate("saliency_metric", score, saliency) == pytest.approx(expected, abs=1e-4)


def test_map_without_a_box_counts_as_the_whole_image(image) -> None:
    wide = image[..., :16, :]
    score = masked_score(toy(Convolutional()), wide)
    expected = -math.log(probability_of(score, wide))
    saliency = torch.zeros(1, 16, 32)
    saliency[:, 2:10, 4:28] = 1
    value = rate("saliency_metric", score, saliency, threshold="mean", alpha=10.0)
    assert value == pytest.approx(expected, abs=1e-4)
