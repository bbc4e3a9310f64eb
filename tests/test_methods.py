"""Each method against its formula, in a few lines of independent numpy."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tests.conftest import Convolutional, question, small, toy
from tests.reference import reference
from unsee import InputError, create, explain, load
from unsee.curves import PROTOCOLS, curve
from unsee.explain import Study
from unsee.score import MaskedScore


@pytest.fixture
def image():
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))


def answers(network, pictures) -> np.ndarray:
    with torch.no_grad():
        return network.logits(torch.as_tensor(np.stack(pictures)).float()).softmax(1)[:, 1].numpy()


def test_sliding_patch_by_numpy(image) -> None:
    network, x = toy(Convolutional()), image[0].numpy()
    whole = answers(network, [x])[0]
    drops = np.zeros((5, 5))
    for i, top in enumerate(range(0, 25, 6)):
        for j, left in enumerate(range(0, 25, 6)):
            hidden = x.copy()
            hidden[:, top : top + 8, left : left + 8] = 0.4
            drops[i, j] = whole - answers(network, [hidden])[0]
    expected = torch.nn.functional.interpolate(
        torch.tensor(drops)[None, None], (32, 32), mode="bilinear"
    )[0, 0]
    method = create("methods", "sliding_patch", patch=8, stride=6)
    got = method.attribute(question(network, image))[0]
    torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=1e-3)


def test_sliding_patch_spends_one_pass_a_place(image) -> None:
    network = toy(Convolutional())
    create("methods", "sliding_patch", patch=8, stride=6).attribute(question(network, image))
    assert network.passes.forwards == 26


def test_rise_is_the_weighted_mean_of_its_masks(image) -> None:
    network, seen = toy(Convolutional()), []
    score = question(network, image)

    class Spy(MaskedScore):
        def __call__(self, keep, **settings):
            seen.append(keep)
            return super().__call__(keep, **settings)

    got = create("methods", "rise", samples=150).attribute(Spy(**vars(score)))
    keep = torch.cat(seen, 1)[0, :, 0].numpy()
    assert keep.shape == (150, 32, 32)
    x = image[0].numpy()
    p = answers(network, [m[None] * x + (1 - m[None]) * 0.4 for m in keep])
    expected = (p[:, None, None] * keep).sum(0) / (150 * 0.5)
    np.testing.assert_allclose(got[0], expected, atol=1e-5)


def test_rise_masks_cover_evenly(image) -> None:
    class Ones(MaskedScore):
        def __call__(self, keep, **_):
            return torch.ones(keep.shape[:2])

    score = Ones(**vars(question(toy(Convolutional()), image)))
    coverage = create("methods", "rise", samples=4000).attribute(score)[0]
    assert coverage.mean().item() == pytest.approx(1, abs=0.02)
    assert (coverage - 1).abs().max() < 0.12


def test_fido_loss_by_numpy(image) -> None:
    network, method = toy(Convolutional()), small("fido", sparsity=0.003, ramp=4)
    score = question(network, image, measure=lambda logits, t: logits[:, 1])
    theta = torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    p = torch.nn.functional.interpolate(theta[0].sigmoid(), (32, 32), mode="bilinear")[0, 0].numpy()
    u = score.random.uniform(2, 8, 1, 32, 32)[0, :, 0].numpy().clip(1e-6, 1 - 1e-6)
    z = (np.log(p / (1 - p)) + np.log(u / (1 - u))) / 0.1
    keep = 0.5 * (1 + np.tanh(z / 2))
    x = image[0].numpy()
    pictures = [m[None] * x + (1 - m[None]) * 0.4 for m in keep]
    with torch.no_grad():
        logit = network.logits(torch.tensor(np.stack(pictures)).float())[:, 1].mean().item()
    for mode, expected in (
        ("ssr", -logit + 0.75 * 0.003 * p.sum()),
        ("sdr", logit + 0.75 * 0.003 * (1 - p).sum()),
    ):
        loss = small("fido", sparsity=0.003, ramp=4, mode=mode).loss(score, 2, theta)
        assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert method.ramp == 4


def test_igos_pp_loss_by_numpy(image) -> None:
    network = toy(Convolutional())
    method = small("igos_pp", noise=0.0, evidence=1.0, sparsity=0.7, smoothness=3.0)
    score = question(network, image)
    theta = torch.rand(1, 2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    d, i = (
        torch.nn.functional.interpolate(m[None], (32, 32), mode="bilinear", align_corners=True)[
            0
        ].numpy()
        for m in theta[0]
    )
    x, total = image[0].numpy(), 0.0
    for s in range(1, 5):
        t = s / 4
        shows = [t * d, t * d * i, 1 - t * i, 1 - t * d * i]
        p = answers(network, [m * x + (1 - m) * 0.4 for m in shows])
        total += (p[0] + p[1] - p[2] - p[3]) / 4
    both = (theta[0, 0] * theta[0, 1])[0].numpy()
    tv = (np.diff(both, axis=0) ** 2).mean() + (np.diff(both, axis=1) ** 2).mean()
    fine, btv = (d * i)[0], 0.0
    for axis in (0, 1):
        edge = np.exp(-(np.diff(x - 0.4, axis=axis + 1) ** 2) / 0.01)
        btv += (edge * np.diff(fine, axis=axis)[None] ** 2).mean()
    expected = total + 0.7 * (1 - both).mean() + 3.0 * (tv + btv) / 2
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, rel=1e-3)


def test_mp_loss_by_numpy(image) -> None:
    network = toy(Convolutional())
    method = create("methods", "mp", grid=8, sparsity=0.01, smoothness=0.02, jitter=0)
    theta = torch.rand(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    m, x = theta[0, 0, 0].numpy(), image[0].numpy()
    fine = torch.nn.functional.interpolate(theta[0], (32, 32), mode="bilinear")[0].numpy()
    tv = (np.abs(np.diff(m, axis=0)) ** 3).sum() + (np.abs(np.diff(m, axis=1)) ** 3).sum()
    p = answers(network, [fine * x + (1 - fine) * 0.4])[0]
    expected = p + 0.01 * (1 - m).sum() + 0.02 * tv
    got = method.loss(question(network, image), 0, theta).item()
    assert got == pytest.approx(expected, rel=1e-4)


def test_jitter_moves_the_picture_by_whole_pixels_each_step(image) -> None:
    network = toy(Convolutional())
    score = question(network, image)
    method = create("methods", "mp", grid=8)
    theta = torch.full((1, 1, 1, 8, 8), 0.5)
    losses = {method.loss(score, step, theta).item() for step in range(6)}
    assert len(losses) > 2
    assert method.loss(score, 3, theta) == method.loss(score, 3, theta)


def test_sufficient_and_destroying_regions_are_two_questions(classifier, images) -> None:
    ssr, sdr = (
        explain(classifier, images, small("fido", mode=mode), targets=1).saliency
        for mode in ("ssr", "sdr")
    )
    assert not torch.equal(ssr, sdr)
    assert (sdr[:, :14, :14].mean() > sdr[:, 18:, 18:].mean()).item()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("fido", {"steps": 0}, "steps > 0"),
        ("rise", {"samples": 0}, "samples > 0"),
        ("igos_pp", {"path": 0}, "path > 0"),
        ("mp", {"steps": -1}, "steps > 0"),
        ("sliding_patch", {"stride": 0}, "stride > 0"),
        ("fido", {"step": 3}, "did you mean 'steps'"),
        ("fydo", {}, "did you mean 'fido'"),
    ],
)
def test_bad_settings_say_what_is_wrong(name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        create("methods", name, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("fido", {"grid": 64}, "1 to 32 cells"),
        ("igos_pp", {"grid": 33}, "1 to 32 cells"),
        ("rise", {"cells": 40}, "1 to 32 cells"),
        ("sliding_patch", {"patch": 33}, "at most 32 pixels"),
    ],
)
def test_masks_larger_than_the_image_are_refused(name, settings, words, network, images) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, create("methods", name, **settings))


def test_updates_find_a_known_optimum() -> None:
    """A quadratic bowl per image: every rule walks to its own bottom, whatever its neighbours."""
    from unsee.optimise import minimise
    from unsee.updates import Adam, LineSearch, Nesterov

    bottom = torch.tensor([[0.2, 0.9], [0.7, 0.1]])

    score = question(toy(Convolutional()), bottom.view(2, 1, 1, 2))
    for rule in (Adam(0.1, fade=200), Nesterov(0.05), LineSearch(100.0), LineSearch(9.0, grow=5)):
        path = minimise(
            lambda bowl, step, theta: (theta - bowl.images[:, 0, 0]).square().sum(1),
            score,
            torch.full((2, 2), 0.5),
            rule,
            lambda theta: theta.clamp(0, 1),
        )
        for _ in range(200):
            last = next(path)
        torch.testing.assert_close(last.theta, bottom, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("name", "settings", "published"),
    [("igos_pp", {"steps": 8, "path": 6}, "igos_pp-28-line-search"),
     ("fido", {"steps": 60, "samples": 4, "rate": 0.2}, "fido-ssr-local")],
)  # fmt: skip
def test_points_where_the_papers_code_points(name, settings, published) -> None:
    """A short run already agrees with the published code's map and not with other photos' maps."""
    data, classifier = reference(), load()
    image, expected, _ = data.case(published, "dalmatian")
    study = Study.of(classifier, image, create("methods", name, **settings))
    for _ in study.steps():
        pass
    saliency = study.explanation.saliency
    ours = spearmanr(saliency.flatten(), expected.flatten())[0]
    others = [
        spearmanr(saliency.flatten(), data.case(published, photo)[1].flatten())[0]
        for photo in data.photos_of(published)
        if photo != "dalmatian"
    ]
    assert ours > max(others) + 0.3
    rule = PROTOCOLS["rise"]
    areas = {
        way: rule.area(curve(study.score, saliency, rule, way)).item()
        for way in ("deletion", "insertion")
    }
    assert areas["insertion"] - areas["deletion"] > 0.6
