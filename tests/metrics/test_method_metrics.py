"""Metrics that ask the method for further maps, and two that ask the classifier patch by patch."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from tests.conftest import Convolutional, Corner, Shifted, question, toy
from unsee import InputError, create
from unsee.classifiers.randomisation import randomise_layers
from unsee.metrics import _curves
from unsee.metrics.smooth_mprt import SmoothMPRT

METHOD = create("methods", "sliding_patch", patch=8, stride=8)
GRADIENT = create("methods", "gradient")
CONTROL = create("methods", "box")


@pytest.fixture
def score(images):
    return question(toy(Convolutional()), images)


@pytest.fixture
def noise():
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))


def rate(name, score, method, **settings):
    saliency = method.attribute(score).detach()
    return create("metrics", name, **settings).rate(score, saliency, method=method)


def test_max_sensitivity_by_hand(score) -> None:
    saliency = METHOD.attribute(score)
    found = create("metrics", "max_sensitivity", samples=2, radius=0.1).rate(
        score, saliency, method=METHOD
    )
    changes = []
    for sample in range(2):
        u = score.random.uniform(sample, 3, 32, 32, stream="max_sensitivity")
        near = (score.images + 0.2 * u - 0.1).clamp(0, 1)
        moved = METHOD.attribute(dataclasses.replace(score, images=near))
        changes.append((moved - saliency).flatten(1).norm(dim=1) / saliency.flatten(1).norm(dim=1))
    torch.testing.assert_close(found, torch.stack(changes).amax(0))
    assert (found > 0).all()


def test_a_map_that_does_not_look_is_not_sensitive(score) -> None:
    assert (rate("max_sensitivity", score, CONTROL) == 0).all()
    assert (rate("mprt", score, CONTROL) == 1).all()
    assert (rate("smooth_mprt", score, CONTROL) == 1).all()
    assert (rate("efficient_mprt", score, CONTROL) == 0).all()


def test_gradients_are_there_for_methods_that_need_them(score) -> None:
    assert (rate("max_sensitivity", score, GRADIENT) > 0).all()
    assert (rate("mprt", score, GRADIENT) < 0.9).all()


def test_mprt_is_the_mean_over_layers(score) -> None:
    saliency = METHOD.attribute(score)
    found = rate("mprt", score, METHOD, layers=0)
    values = []
    for _, classifier in randomise_layers(score.classifier):
        other = METHOD.attribute(dataclasses.replace(score, classifier=classifier))
        pairs = zip(saliency, other, strict=True)
        values.append([spearmanr(a.flatten(), b.flatten()).statistic for a, b in pairs])
    np.testing.assert_allclose(found, np.mean(values, 0), atol=1e-5)
    one = rate("mprt", score, METHOD, layers=1)
    np.testing.assert_allclose(one, values[-1], atol=1e-5)


def test_smooth_mprt_of_one_sample_is_mprt(score) -> None:
    settings = {"layers": 2, "similarity": "spearman"}
    plain = rate("mprt", score, METHOD, **settings)
    torch.testing.assert_close(rate("smooth_mprt", score, METHOD, samples=1, **settings), plain)
    smooth = rate("smooth_mprt", score, METHOD, samples=3, **settings)
    assert not torch.equal(smooth, plain)
    assert SmoothMPRT().samples > 1


def test_efficient_mprt_by_numpy(score) -> None:
    saliency = METHOD.attribute(score)
    (_, forgetful), = list(randomise_layers(score.classifier, steps=1))  # fmt: skip
    other = METHOD.attribute(dataclasses.replace(score, classifier=forgetful))

    def complexity(one):
        count = np.histogram(one.numpy().ravel(), 100)[0]
        p = count[count > 0] / count.sum()
        return -(p * np.log(p)).sum()

    expected = [complexity(b) / complexity(a) - 1 for a, b in zip(saliency, other, strict=True)]
    np.testing.assert_allclose(
        rate("efficient_mprt", score, METHOD), expected, rtol=0.02, atol=0.01
    )


def test_the_classifier_is_left_as_it_was(score) -> None:
    before = {key: value.clone() for key, value in score.classifier.model.state_dict().items()}
    rate("mprt", score, METHOD)
    after = score.classifier.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


class Patches(nn.Module):
    """A linear function of the mean of each quarter: what it costs to lose one is known."""

    def forward(self, x):
        means = nn.functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 2).flatten(1)
        value = means @ x.new_tensor([4.0, 3.0, 2.0, 1.0])
        return torch.stack([torch.zeros_like(value), value], 1)


def test_single_deletion_by_hand() -> None:
    bright = question(toy(Patches()), torch.ones(1, 3, 32, 32))
    rank = torch.tensor([4.0, 3.0, 2.0, 1.0]).view(1, 2, 2)
    saliency = rank.repeat_interleave(16, 1).repeat_interleave(16, 2)
    metric = create("metrics", "single_deletion", grid=2)
    assert metric.rate(bright, saliency).item() == pytest.approx(1)
    assert metric.rate(bright, -saliency).item() == pytest.approx(-1)
    swapped = torch.tensor([3.0, 4.0, 2.0, 1.0]).view(1, 2, 2)
    saliency = swapped.repeat_interleave(16, 1).repeat_interleave(16, 2)
    assert metric.rate(bright, saliency).item() == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert metric.rate(bright, torch.ones(1, 32, 32)).item() == 0


def test_effective_complexity_by_the_curve(score, noise) -> None:
    share, scores, _ = _curves.curve(score, noise, _curves.PROTOCOLS["clean"], "insertion")
    for tolerance in (0.001, 0.01, 0.5):
        metric = create("metrics", "effective_complexity", tolerance=tolerance)
        expected = []
        for row in scores:
            k = len(row) - 1
            while k > 0 and abs(row[k - 1] - row[-1]) <= tolerance:
                k -= 1
            expected.append(share[k].item())
        assert metric.rate(score, noise).tolist() == pytest.approx(expected)
    assert (metric.rate(score, noise) == 0).all()  # half of all is no difference here


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("max_sensitivity", {"samples": 0}),
        ("max_sensitivity", {"radius": 0.0}),
        ("mprt", {"layers": -1}),
        ("smooth_mprt", {"samples": 0}),
        ("efficient_mprt", {"bins": 1}),
        ("effective_complexity", {"tolerance": 0.0}),
        ("single_deletion", {"grid": 1}),
    ],
)
def test_wrong_settings_are_refused(name, settings) -> None:
    with pytest.raises(InputError, match=f"{name}: expected"):
        create("metrics", name, **settings)


def test_masked_accuracy_by_hand(images) -> None:
    bright = images.clone()
    bright[:, :, :16, :16] = 1.0
    score = question(toy(Shifted(Corner())), bright, target=1)
    reference_classifiers = [toy(Shifted(Corner()), size=24), toy(Shifted(Corner(-20.0)), size=16)]
    corner = torch.zeros(3, 32, 32)
    corner[:, :16, :16] = 1
    rate = {
        show: create("metrics", "masked_accuracy", show=show).rate(
            score, corner, reference_classifiers=reference_classifiers
        )
        for show in ("in", "out")
    }
    # the corner shown: the first says 1, its opposite says 0; hidden in grey (0.4): the reverse
    assert rate["in"].tolist() == [0.5] * 3
    assert rate["out"].tolist() == [0.5] * 3
    for witness, right in zip(reference_classifiers, (1, 0), strict=True):
        metric = create("metrics", "masked_accuracy", show="in")
        assert metric.rate(score, corner, reference_classifiers=[witness]).tolist() == [right] * 3
        metric = create("metrics", "masked_accuracy", show="out")
        assert (
            metric.rate(score, corner, reference_classifiers=[witness]).tolist() == [1 - right] * 3
        )
    painted = create("metrics", "masked_accuracy", show="out", infiller="telea")
    assert painted.rate(
        score, 5 * corner - 2, reference_classifiers=reference_classifiers
    ).shape == (3,)
