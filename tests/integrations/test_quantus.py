"""Methods of unsee as an `explain_func` of Quantus."""

import numpy as np
import pytest

from tests.conftest import Convolutional, toy
from unsee import InputError, explain
from unsee.integrations.quantus import explain_func

MEAN, STD = (0.4,) * 3, (0.5,) * 3


def test_maps_are_those_of_explain(images) -> None:
    network = Convolutional().eval()
    inputs = ((images - 0.4) / 0.5).numpy()
    targets = np.array([1, 2, 0])
    maps = explain_func(network, inputs, targets, method="rise", mean=MEAN, std=STD, budget=64)
    classifier = toy(network)
    classifier.std = classifier.data_std = STD
    expected = explain(classifier, images, "rise", targets=[1, 2, 0], budget=64).saliency
    assert maps.shape == (3, 1, 32, 32)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps[:, 0], expected, atol=1e-3)


def test_inputs_with_noise_are_clipped() -> None:
    network = Convolutional().eval()
    inputs = np.full((1, 3, 32, 32), (1.02 - 0.4) / 0.5, np.float32)
    options = {"method": "random", "mean": MEAN, "std": STD}
    assert explain_func(network, inputs, np.array([1]), **options).shape == (1, 1, 32, 32)
    with pytest.raises(InputError, match="expected normalised inputs"):
        explain_func(network, inputs + 3, np.array([1]), **options)
