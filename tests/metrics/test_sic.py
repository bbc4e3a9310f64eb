"""SIC: the area by hand, and the order of the best and the worst map."""

import pytest
import torch

from tests.conftest import masked_score
from unsee import create
from unsee.metrics.sic import information_area

SIZES = torch.tensor([100.0, 150.0, 300.0])


def test_area_by_hand() -> None:
    area = information_area(SIZES, torch.tensor([0.1, 0.5, 0.9]), "softmax")
    assert area.item() == pytest.approx(0.25 * (0 + 0.5) / 2 + 0.75 * (0.5 + 1) / 2)
    area = information_area(SIZES, torch.tensor([0.0, 1.0, 1.0]), "accuracy")
    assert area.item() == pytest.approx(0.875)


def test_no_area_without_a_rise() -> None:
    flat = torch.tensor([0.1, 0.1, 0.1])
    assert information_area(SIZES, flat, "softmax").isnan()
    assert information_area(SIZES.flip(0), flat, "accuracy").isnan()


def test_best_order_beats_the_worst(classifier, images) -> None:
    truth = torch.zeros(3, 32, 32)
    truth[:, :16, :16] = 1
    score = masked_score(classifier, images)
    best, worst = (create("metrics", "sic", sigma=6).rate(score, m) for m in (truth, -truth))
    valid = ~best.isnan() & ~worst.isnan()
    assert valid.any()
    assert (best[valid] > worst[valid]).all()
