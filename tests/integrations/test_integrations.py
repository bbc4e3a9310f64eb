"""Our parts in other libraries' hands."""

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, question, toy
from unsee import InputError, create, explain
from unsee.integrations.quantus import explain_func
from unsee.integrations.torchmetrics import MapMetric
from unsee.metrics.base import Truth


def test_quantus_gets_the_maps_that_explain_gives(images) -> None:
    network = Convolutional().eval()
    mean, std = (0.4,) * 3, (0.5,) * 3
    inputs = ((images - 0.4) / 0.5).numpy()
    got = explain_func(
        network, inputs, np.array([1, 2, 0]), method="rise", mean=mean, std=std, budget=64
    )
    classifier = toy(network)
    classifier.std = classifier.data_std = std
    wanted = explain(classifier, images, "rise", targets=[1, 2, 0], budget=64).saliency
    assert got.shape == (3, 1, 32, 32)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[:, 0], wanted, atol=1e-3)


def test_quantus_may_add_noise() -> None:
    network = Convolutional().eval()
    mean, std = (0.4,) * 3, (0.5,) * 3
    inputs = np.full((1, 3, 32, 32), (1.02 - 0.4) / 0.5, np.float32)
    asked = {"method": "random", "mean": mean, "std": std}
    assert explain_func(network, inputs, np.array([1]), **asked).shape == (1, 1, 32, 32)
    with pytest.raises(InputError, match="expected normalised inputs"):
        explain_func(network, inputs + 3, np.array([1]), **asked)


def test_torchmetrics_accumulates_over_batches(network, images) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = create("metrics", "deletion").rate(question(network, images), saliency).mean()
    metric = MapMetric("deletion")
    assert metric.higher_is_better is False
    for part in (slice(0, 2), slice(2, 3)):
        metric.update(question(network, images[part]), saliency[part])
    assert metric.compute().item() == pytest.approx(expected.item(), abs=1e-5)
    metric.reset()
    metric.update(question(network, images[:1]), saliency[:1])
    assert metric.compute().item() != pytest.approx(expected.item(), abs=1e-5)


def test_what_is_not_known_does_not_count(network, images) -> None:
    metric = MapMetric("pointing_game", settings={"tolerance": 0.0})
    saliency = torch.zeros(3, 32, 32)
    saliency[:, 5, 5] = 1
    here, there = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[20.0, 20.0, 30.0, 30.0]])
    truths = [Truth(here), Truth(), Truth(there)]
    metric.update(question(network, images), saliency, truths)
    assert metric.compute().item() == 0.5
