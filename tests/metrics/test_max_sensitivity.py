"""Max-sensitivity against a loop over the noisy images."""

import dataclasses

import torch

from tests.metrics.conftest import rate_method
from unsee import create
from unsee.classifiers.measures import probability

OCCLUSION = create("methods", "sliding_patch", patch=8, stride=8)


def test_max_sensitivity_by_hand(batch_score) -> None:
    score, saliency = batch_score, OCCLUSION.attribute(batch_score)
    changes = []
    for sample in range(2):
        u = score.random.uniform(sample, 3, 32, 32, stream="max_sensitivity")
        noisy = (score.images + 0.2 * u - 0.1).clamp(0, 1)
        change = OCCLUSION.attribute(dataclasses.replace(score, images=noisy)) - saliency
        changes.append(change.flatten(1).norm(dim=1) / saliency.flatten(1).norm(dim=1))
    values = rate_method("max_sensitivity", score, OCCLUSION, samples=2, radius=0.1)
    torch.testing.assert_close(values, torch.stack(changes).amax(0))
    assert (values > 0).all()


def test_method_that_ignores_the_image_is_not_sensitive(batch_score) -> None:
    assert (rate_method("max_sensitivity", batch_score, create("methods", "box")) == 0).all()


def test_methods_with_gradients_are_served(batch_score) -> None:
    assert (rate_method("max_sensitivity", batch_score, create("methods", "gradient")) > 0).all()


def test_unit_of_the_score_does_not_count(batch_score) -> None:
    def tiny(logits, targets):
        return 1e-14 * probability(logits, targets)

    of_tiny = dataclasses.replace(batch_score, measure=tiny)
    values = rate_method("max_sensitivity", batch_score, OCCLUSION, samples=1)
    torch.testing.assert_close(
        rate_method("max_sensitivity", of_tiny, OCCLUSION, samples=1), values, rtol=1e-3, atol=0
    )
