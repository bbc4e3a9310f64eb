"""Metrics of unsee accumulated by torchmetrics."""

import pytest
import torch

from tests.conftest import masked_score
from unsee import create
from unsee.integrations.torchmetrics import MapMetric
from unsee.metrics.base import Truth


def test_mean_is_accumulated_over_batches(network, images) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = create("metrics", "deletion").rate(masked_score(network, images), saliency).mean()
    metric = MapMetric("deletion")
    assert metric.higher_is_better is False
    for batch in (slice(0, 2), slice(2, 3)):
        metric.update(masked_score(network, images[batch]), saliency[batch])
    assert metric.compute().item() == pytest.approx(expected.item(), abs=1e-5)
    metric.reset()
    metric.update(masked_score(network, images[:1]), saliency[:1])
    assert metric.compute().item() != pytest.approx(expected.item(), abs=1e-5)


def test_images_without_a_value_do_not_count(network, images) -> None:
    metric = MapMetric("pointing_game", settings={"tolerance": 0.0})
    saliency = torch.zeros(3, 32, 32)
    saliency[:, 5, 5] = 1
    hit, miss = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[20.0, 20.0, 30.0, 30.0]])
    metric.update(masked_score(network, images), saliency, [Truth(hit), Truth(), Truth(miss)])
    assert metric.compute().item() == 0.5
