from dataclasses import replace

import pytest
import torch

from tests.conftest import masked_score
from tests.training import small
from unsee import create, explain, load


@pytest.fixture
def weights(folder, tmp_path):
    settings = {"steps": 150, "rate": 1e-2, "infiller": "grey", "save_every": 50}
    small.train("distilled", folder, tmp_path / "run", classifier=small.CORNERS, **settings)
    return str(tmp_path / "run" / "distilled.safetensors")


@pytest.fixture
def bright():
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1)) * 0.3
    images[:, :, :12, :12] += 0.6
    return images


def test_map_is_high_where_the_class_depends_on_the_image(weights, bright) -> None:
    classifier = load(small.CORNERS)
    classifier.passes.forwards = 0
    method = create("methods", "distilled", weights=weights)
    explanation = explain(classifier, bright, method, targets=1)
    assert explanation.provenance["cost"]["forwards"] == 2
    inside = explanation.saliency[:, :12, :12].mean((1, 2))
    outside = (explanation.saliency.sum((1, 2)) - 144 * inside) / (24 * 24 - 144)
    assert (inside > outside).all()


def test_tide_starts_from_the_distilled_map(weights, bright) -> None:
    classifier = load(small.CORNERS)
    score = masked_score(classifier, bright)
    warm = create("methods", "tide", grid=8, prior=1, steps=2, warm_start=weights)
    cold = create("methods", "tide", grid=8, prior=0, steps=2)
    theta = warm.begin(score)
    torch.testing.assert_close(
        theta.flatten(1).std(1, correction=0), torch.ones(2), rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(theta.flatten(1).mean(1), torch.zeros(2), rtol=0, atol=1e-5)
    losses = [method.loss(score, 0, method.begin(score)).mean() for method in (warm, cold)]
    assert losses[0] < losses[1]
    half, full = replace(warm, steps=20, grid=8), replace(cold, steps=40, grid=8)
    areas = []
    for method in (half, full):
        saliency = explain(classifier, bright, method, targets=1).saliency
        deletion, insertion = (
            create("metrics", name).rate(score, saliency).mean()
            for name in ("deletion", "insertion")
        )
        areas.append(deletion - insertion)
    assert areas[0] < areas[1] + 0.02
