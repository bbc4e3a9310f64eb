"""Efficient MPRT against numpy's histogram."""

import dataclasses

import numpy as np
import pytest

from tests.metrics.conftest import rate_method
from unsee import InputError, create
from unsee.classifiers.randomisation import randomise_layers
from unsee.metrics.efficient_mprt import histogram_entropy

OCCLUSION = create("methods", "sliding_patch", patch=8, stride=8)


def numpy_entropy(saliency) -> float:
    counts = np.histogram(np.asarray(saliency).ravel(), 100)[0]
    p = counts[counts > 0] / counts.sum()
    return -(p * np.log(p)).sum()


def test_efficient_mprt_by_numpy(batch_score) -> None:
    saliency = OCCLUSION.attribute(batch_score)
    (_, randomised), = list(randomise_layers(batch_score.classifier, steps=1))  # fmt: skip
    other = OCCLUSION.attribute(dataclasses.replace(batch_score, classifier=randomised))
    pairs = zip(saliency, other, strict=True)
    expected = [numpy_entropy(after) / numpy_entropy(before) - 1 for before, after in pairs]
    values = rate_method("efficient_mprt", batch_score, OCCLUSION)
    np.testing.assert_allclose(values, expected, rtol=0.02, atol=0.01)


def test_histogram_entropy_takes_arrays() -> None:
    maps = np.random.default_rng(0).random((2, 16, 16))
    expected = [numpy_entropy(saliency) for saliency in maps]
    np.testing.assert_allclose(histogram_entropy(maps), expected, rtol=1e-3)
    np.testing.assert_allclose(histogram_entropy(1e-14 * maps), expected, rtol=1e-3)
    assert histogram_entropy(np.ones((1, 4, 4))).item() == 0
    with pytest.raises(InputError, match="bins >= 2"):
        histogram_entropy(maps, bins=1)
