"""IROF against a loop over the superpixels."""

import numpy as np
import pytest
import torch

from tests.conftest import masked_score
from tests.metrics.conftest import rate
from unsee.images.superpixels import segment


def test_irof_by_hand(score, image, noise) -> None:
    segment_of = segment(image[0], "slic", 9).numpy()
    importance = noise[0].numpy()
    means = [importance[segment_of == k].mean() for k in range(segment_of.max() + 1)]
    keep, values = np.ones((32, 32)), []
    for index in [-1, *np.argsort(-np.array(means))]:
        keep[segment_of == index] = 0
        mask = torch.tensor(keep).float().view(1, 1, 1, 32, 32)
        values.append(masked_score(score.classifier, image, "mean")(mask).item())
    expected = 1 - np.mean(np.array(values) / values[0])
    assert rate("irof", score, noise, segments=9) == pytest.approx(expected, abs=1e-4)


def test_constant_maps_have_the_same_value(score) -> None:
    low, high = (
        rate("irof", score, torch.full((1, 32, 32), level), segments=16) for level in (0.3, 0.7)
    )
    assert low == high


def test_unit_of_the_map_does_not_count(score, noise) -> None:
    whole, tiny = (rate("irof", score, unit * noise, segments=9) for unit in (1, 1e-22))
    assert tiny == whole
