"""ROAD against a loop over the shares."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from tests.metrics.conftest import rate
from unsee import create
from unsee.metrics import road


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
    assert rate("road", score, noise) == pytest.approx((least_first - most_first) / 2, abs=1e-6)
    assert rate("road", score, noise, order="least_first") == pytest.approx(least_first, abs=1e-6)


class Brightness(nn.Module):
    """Class 1 has the mean brightness as its logit."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        return torch.stack([torch.zeros_like(mean), mean], 1)


def test_exact_shares_are_removed_from_images_that_are_not_square(monkeypatch) -> None:
    """White pixels become grey one by one, so that the probability counts them."""
    monkeypatch.setattr(road, "NoisyLinear", lambda: create("infillers", "grey"))
    score = masked_score(toy(Brightness()), torch.ones(1, 3, 5, 11))
    saliency = torch.rand(1, 5, 11, generator=torch.Generator().manual_seed(3))
    removed = [round(tenths * 55 / 10) for tenths in range(1, 10)]
    shown = [0.6 * (55 - count) / 55 for count in removed]  # pixels are 1, grey is 0.4
    expected = np.mean([1 / (1 + np.exp(-mean)) for mean in shown])
    value = rate("road", score, saliency, order="least_first")
    assert value == pytest.approx(expected, abs=1e-6)
