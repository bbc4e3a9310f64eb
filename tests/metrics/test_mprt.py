"""MPRT against a loop over the layers."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tests.metrics.conftest import rate_method
from unsee import create
from unsee.classifiers.randomisation import randomise_layers

OCCLUSION = create("methods", "sliding_patch", patch=8, stride=8)


def test_mprt_is_the_mean_over_layers(batch_score) -> None:
    saliency = OCCLUSION.attribute(batch_score)
    correlations = []
    for _, classifier in randomise_layers(batch_score.classifier):
        other = OCCLUSION.attribute(dataclasses.replace(batch_score, classifier=classifier))
        pairs = zip(saliency, other, strict=True)
        correlations.append([spearmanr(a.flatten(), b.flatten()).statistic for a, b in pairs])
    all_layers = rate_method("mprt", batch_score, OCCLUSION, layers="all")
    np.testing.assert_allclose(all_layers, np.mean(correlations, 0), atol=1e-5)
    one_layer = rate_method("mprt", batch_score, OCCLUSION, layers=1)
    np.testing.assert_allclose(one_layer, correlations[-1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"), [("mprt", 1), ("smooth_mprt", 1), ("efficient_mprt", 0)]
)
def test_method_that_ignores_the_classifier(batch_score, name, value) -> None:
    assert (rate_method(name, batch_score, create("methods", "box")) == value).all()


def test_methods_with_gradients_are_served(batch_score) -> None:
    assert (rate_method("mprt", batch_score, create("methods", "gradient")) < 0.9).all()


def test_classifier_is_left_unchanged(batch_score) -> None:
    model = batch_score.classifier.model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    rate_method("mprt", batch_score, OCCLUSION)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
