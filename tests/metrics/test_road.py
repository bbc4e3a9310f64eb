"""ROAD against a loop over the shares."""

import numpy as np
import pytest
import torch

from tests.conftest import masked_score
from tests.metrics.conftest import rate
from unsee import create


def test_road_by_hand(score, image, noise) -> None:
    descending = (-noise[0]).flatten().argsort()
    imputed = masked_score(score.classifier, image, create("infillers", "noisy_linear"))

    def mean(order):
        values = []
        for tenths in range(1, 10):
            keep = torch.ones(1024)
            keep[order[: round(tenths / 10 * 1024)]] = 0
            values.append(imputed(keep.view(1, 1, 1, 32, 32)).item())
        return float(np.mean(values))

    least_first, most_first = mean(descending.flip(0)), mean(descending)
    assert rate("road", score, noise) == pytest.approx((least_first - most_first) / 2, abs=1e-3)
    assert rate("road", score, noise, order="least_first") == pytest.approx(least_first, abs=1e-3)
