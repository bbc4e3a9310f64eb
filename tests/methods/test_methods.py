"""Each method against its formula, in a few lines of independent numpy."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tests.conftest import Convolutional, question, small, toy
from tests.reference import reference
from unsee import InputError, create, explain, load
from unsee.infillers.base import RowIndex
from unsee.masking.score import MaskedScore
from unsee.metrics._curves import PROTOCOLS, curve
from unsee.study import Study


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


def masks_of(keep, draw=None, step=0, **_):
    """The masks that a score is asked about, whether it is given them or draws them."""
    if draw is None:
        return keep
    b, k = keep.shape[:2]
    at = torch.arange(b * k)
    return draw(keep.flatten(0, 1), RowIndex(at // k, at % k, step)).unflatten(0, (b, k))


def test_rise_is_the_weighted_mean_of_its_masks(image) -> None:
    network, seen = toy(Convolutional()), []
    score = question(network, image)

    class Spy(MaskedScore):
        def __call__(self, keep, **settings):
            seen.append(masks_of(keep, **settings))
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
    from unsee.masking.minimise import minimise
    from unsee.masking.optimizers import Adam, LineSearch, Nesterov

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


def spied(score):
    """The same question, and every (masks, scores) that it was asked."""
    seen = []

    class Spy(MaskedScore):
        def __call__(self, keep, **settings):
            scores = super().__call__(keep, **settings)
            seen.append((masks_of(keep.detach(), **settings), scores.detach()))
            return scores

        def rows(self, chosen):
            return Spy(**vars_of(super().rows(chosen)))

    def vars_of(plain):
        names = ("classifier", "infiller", "images", "targets", "seeds", "measure")
        return {name: getattr(plain, name) for name in names}

    return Spy(**vars_of(score)), seen


@pytest.mark.parametrize("grow", [0.0, 5.0])
def test_a_wide_line_search_takes_the_same_steps_in_fewer_rounds(grow) -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    maps, rounds = [], []
    for together in (1, 2, 5):
        score, seen = spied(question(toy(Convolutional()), images))
        method = small("igos_pp", steps=5, regrow=grow, together=together)
        maps.append(method.attribute(score))
        rounds.append(len(seen))
    for other in maps[1:]:
        torch.testing.assert_close(other, maps[0], atol=1e-4, rtol=1e-3)
    assert rounds[0] > rounds[1] > rounds[2]


@pytest.mark.parametrize("regression", ["ridge", "lasso", "two_stage"])
def test_lime_is_a_weighted_regression(image, regression) -> None:
    score, seen = spied(question(toy(Convolutional()), image))
    alpha = {"ridge": 1.0, "lasso": 1e-4, "two_stage": 1.0}[regression]
    method = create(
        "methods", "lime", superpixels="grid", segments=9, samples=150, features=3,
        regression=regression, alpha=alpha,
    )  # fmt: skip
    got = method.attribute(score)[0].double().numpy()
    keep = torch.cat([k for k, _ in seen], 1)[0, :, 0].double().numpy()
    y = torch.cat([s for _, s in seen], 1)[0].double().numpy()
    assert keep.shape == (150, 32, 32)
    assert keep[0].min() == 1
    z = keep[:, [4, 15, 28]][:, :, [4, 15, 28]].reshape(150, 9)  # a pixel of each piece
    distance = 1 - z.sum(1) / np.maximum(np.sqrt(z.sum(1)) * 3, 1e-9)
    weight = np.sqrt(np.exp(-(distance**2) / 0.25**2))

    def ridge(columns):
        a = z[:, columns] - np.average(z[:, columns], axis=0, weights=weight)
        b = y - np.average(y, weights=weight)
        normal = (a * weight[:, None]).T @ a + alpha * np.eye(len(columns))
        return np.linalg.solve(normal, (a * weight[:, None]).T @ b)

    expected = ridge(np.arange(9))
    if regression == "two_stage":
        strong = np.argsort(-np.abs(expected))[:3]
        values = ridge(strong)
        expected = np.zeros(9)
        expected[strong] = values
    cells = got[[4, 15, 28]][:, [4, 15, 28]].reshape(9)
    if regression == "lasso":
        rest = y - y @ weight / weight.sum() - (z - np.average(z, axis=0, weights=weight)) @ cells
        slope = (z * (weight / weight.sum())[:, None]).T @ rest  # Karush-Kuhn-Tucker
        assert (np.abs(slope) <= alpha * 1.01).all()
        np.testing.assert_allclose(slope[cells != 0], alpha * np.sign(cells[cells != 0]), rtol=0.02)
    else:
        np.testing.assert_allclose(cells, expected, atol=1e-6)


def test_mp2_removes_the_steepest_cells_until_chance(classifier, images) -> None:
    score, seen = spied(question(classifier, images[:1]))
    method = create("methods", "mp2", grid=4, cells=2, chance=0.2)
    saliency = method.attribute(score)
    whole = [keep for keep, _ in seen]
    for before, after in pairwise(whole):
        assert (before - after).sum() == 2
        assert ((before - after) >= 0).all()
    assert all(scores.item() > 0.2 for _, scores in seen[:-1])
    assert seen[-1][1].item() <= 0.2
    gone = whole[-1][0, 0, 0] == 0
    assert gone[:3, :3].sum() == gone.sum()  # the corner and what bilinear edges reach
    assert (saliency[0, :12, :12] > 0).all()
    assert saliency[0, 24:, 24:].max() == 0
    binary = create("methods", "mp2", grid=4, cells=2, chance=0.2, binary=True).attribute(score)
    assert torch.equal(binary[0, 4::8, 4::8] > 0.5, gone)


def test_mp2_looks_behind_visible_pixels_when_an_inpainter_hands_them_back(
    classifier, images
) -> None:
    score = question(classifier, images[:1], "telea", target=1)
    saliency = create("methods", "mp2", grid=8, cells=4, chance=0.2).attribute(score)
    assert saliency[0, :14, :14].mean() > 2 * saliency[0, 18:, 18:].mean()


def test_igos_is_the_mean_over_the_path(image) -> None:
    score = question(toy(Convolutional()), image, "blur")
    method = create("methods", "igos", grid=8, path=3, noise=0.0, sparsity=0.5, smoothness=2.0)
    theta = torch.rand(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    m = theta[0, 0, 0].double().numpy()
    fine = torch.nn.functional.interpolate(theta[0], (32, 32), mode="bilinear", align_corners=True)
    x, blurred = image[0].numpy(), score.pictures(torch.zeros(1, 1, 1, 32, 32))[0].numpy()
    keep = fine[0].numpy()
    path = [t * keep * x + (1 - t * keep) * blurred for t in (1 / 3, 2 / 3, 1)]
    p = answers(score.classifier, path).mean()
    tv = (np.diff(m, axis=0) ** 2).mean() + (np.diff(m, axis=1) ** 2).mean()
    expected = p + 0.5 * (1 - m).mean() + 2 * tv
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("terms", ["bilateral", "deletion", "insertion", "naive"])
def test_igos_pp_ablations_are_their_terms(image, terms) -> None:
    score = question(toy(Convolutional()), image, "blur")
    method = create(
        "methods", "igos_pp", grid=32, path=2, noise=0.0, sparsity=0.0, smoothness=0.0,
        evidence=1.0, terms=terms,
    )  # fmt: skip
    theta = method.start(score) * torch.rand(1, 1, 1, 32, 32)
    theta = theta * torch.linspace(0.5, 1, 32)
    x, blurred = image[0].numpy(), score.pictures(torch.zeros(1, 1, 1, 32, 32))[0].numpy()

    def mean_of(keeps):
        return answers(score.classifier, [k * x + (1 - k) * blurred for k in keeps]).mean()

    def falls(m):
        return mean_of([m / 2, m])

    def rises(m):
        return mean_of([1 - m / 2, 1 - m])

    d, i = theta[0, 0].numpy(), theta[0, -1].numpy()
    both = d * i if terms == "bilateral" else d
    expected = {
        "bilateral": lambda: falls(d) - rises(i) + falls(both) - rises(both),
        "deletion": lambda: falls(d),
        "insertion": lambda: -rises(d),
        "naive": lambda: falls(d) - rises(d),
    }[terms]()
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("mode", ["ssr", "sdr"])
def test_bbmp_by_numpy(image, mode) -> None:
    score = question(toy(Convolutional()), image)
    method = create("methods", "bbmp", grid=32, mode=mode, sparsity=0.01, smoothness=0.02)
    theta = torch.rand(1, 1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    m = theta[0, 0, 0].double().numpy()
    x = image[0].numpy()
    p = answers(score.classifier, [m[None] * x + (1 - m[None]) * 0.4])[0]
    sign, cost = (-1, m.sum()) if mode == "ssr" else (1, (1 - m).sum())
    tv = (np.diff(m, axis=0) ** 2).mean() + (np.diff(m, axis=1) ** 2).mean()
    expected = sign * p + 0.01 * cost + 0.02 * 1024 * tv
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-3)


def test_extremal_perturbation_pays_for_leaving_its_area(image) -> None:
    score = question(toy(Convolutional()), image)
    method = create(
        "methods", "extremal_perturbation", areas=(0.25,), cell=8, smoothness=1.0, weight=10.0,
        flips=False,
    )  # fmt: skip
    theta = method.start(score)
    theta = torch.rand(theta.shape, generator=torch.Generator().manual_seed(1))
    keep = method._smooth(theta, image.shape[-2:])[0, 0, 0].double().numpy()
    x = image[0].numpy()
    p = answers(score.classifier, [keep[None] * x + (1 - keep[None]) * 0.4])[0]
    wanted = (np.linspace(0, 1, 1024) >= 0.75).astype(float)
    off = ((np.sort(keep.ravel()) - wanted) ** 2).mean()
    assert method.loss(score, 0, theta).item() == pytest.approx(-p + 10 * off, abs=1e-4)
    later = method.loss(score, 100, theta).item()
    assert later == pytest.approx(-p + 10 * 1.0035**100 * off, abs=1e-3)


def test_extremal_masks_are_smooth_maxima_of_bumps() -> None:
    method = create("methods", "extremal_perturbation", cell=4, smoothness=6.0)
    margin = method._margin
    theta = torch.rand(1, 1, 1, 4 + 2 * margin, 4 + 2 * margin)
    got = method._smooth(theta, torch.Size((16, 16)))[0, 0, 0]
    y, x = 5, 9
    values = [
        theta[0, 0, 0, i, j].item()
        * np.exp(-2 * (((y - ((i - margin + 0.5) * 4 - 0.5)) / 6) ** 2))
        * np.exp(-2 * (((x - ((j - margin + 0.5) * 4 - 0.5)) / 6) ** 2))
        for i in range(y // 4, y // 4 + 2 * margin + 1)
        for j in range(x // 4, x // 4 + 2 * margin + 1)
    ]
    v = np.array(values)
    expected = (v * np.exp(20 * v)).sum() / np.exp(20 * v).sum()
    assert got[y, x].item() == pytest.approx(expected, abs=1e-5)


def test_pda_is_the_mean_weight_of_evidence_of_the_windows_over_a_pixel(image) -> None:
    score, seen = spied(question(toy(Convolutional()), image))
    method = create("methods", "pda", window=8, rim=2, stride=8, samples=3)
    got = method.attribute(score)[0].double().numpy()
    whole = seen[0][1].item()
    redrawn = torch.cat([scores[0] for _, scores in seen[1:]]).view(4, 4, 3).mean(2)
    redrawn = redrawn.double().numpy()
    evidence = np.log2(whole / (1 - whole)) - np.log2(redrawn / (1 - redrawn))
    np.testing.assert_allclose(got[::8, ::8], evidence, atol=1e-4)


def test_pda_draws_windows_from_the_gaussian_given_the_rim() -> None:
    from unsee.methods.pda import _WindowSampler

    g = torch.Generator().manual_seed(0)
    images = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 96, 96, generator=g), 5, 1)
    sampler = _WindowSampler.of(images, 2, 1, 1)
    patches = torch.nn.functional.unfold(images, 4)[0].T.double().numpy()
    inner = sampler.inner.numpy()
    assert inner.reshape(4, 4)[1:3, 1:3].all()
    assert inner.sum() == 4
    design = np.c_[np.ones(len(patches)), patches[:, ~inner]]
    slopes, *_ = np.linalg.lstsq(design, patches[:, inner], rcond=None)
    left = patches[:, inner] - design @ slopes
    predicted = sampler.weights[0].double().numpy() @ (patches[7] - sampler.mean[0].numpy())[~inner]
    predicted = predicted + sampler.mean[0].numpy()[inner]
    np.testing.assert_allclose(predicted, design[7] @ slopes, atol=0.01)
    spread = (sampler.root[0] @ sampler.root[0].T).numpy()
    assert np.trace(spread) == pytest.approx(np.trace(left.T @ left / len(left)), rel=0.2)


def test_more_superpixels_than_pixels_are_refused(image) -> None:
    for name in ("lime", "kernel_shap"):
        with pytest.raises(InputError, match="at most 1024 segments"):
            create("methods", name, segments=2000).attribute(question(toy(Convolutional()), image))


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("igos", {"steps": 0}, "steps > 0"),
        ("igos", {"grid": 64}, "grid of 1 to 32"),
        ("bbmp", {"grid": 64}, "grid of 1 to 32"),
        ("mp2", {"grid": 64}, "grid of 1 to 32"),
        ("occlusion", {"patch": 64}, "patch <= 32"),
        ("pda", {"window": 64}, "at most 32 pixels"),
        ("extremal_perturbation", {"areas": (1.5,)}, "0 < area < 1"),
        ("extremal_perturbation", {"cell": 64}, "at most 32 pixels"),
        ("lime", {"samples": 1}, "samples >= 2"),
    ],
)
def test_impossible_settings_are_refused(image, name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        create("methods", name, **settings).attribute(question(toy(Convolutional()), image))


def test_tide_asks_for_every_level_once_to_delete_and_once_to_insert(image) -> None:
    score, seen = spied(question(toy(Convolutional()), image, "blur"))
    method = create("methods", "tide", grid=8, scales=2, levels=3)
    theta = torch.randn(1, 4 * 4 + 8 * 8, generator=torch.Generator().manual_seed(1))
    loss = method.loss(score, 5, theta).item()
    ((keep, scores),) = seen
    assert keep.shape == (1, 6, 1, 8, 8)
    assert loss == pytest.approx((scores[0, :3].mean() - scores[0, 3:].mean()).item(), abs=1e-6)
    torch.testing.assert_close(keep[:, :3], 1 - keep[:, 3:])
    shares = keep[0, 3:].mean((1, 2, 3)).numpy()
    assert (np.floor(shares * 3) == [0, 1, 2]).all()
    height = method.ranking(theta)[0, 0, 0].double().numpy()
    for top, share in zip(keep[0, 3:, 0].double().numpy(), shares, strict=True):
        shift = np.log(top / (1 - top)) - height  # a sigmoid of the height, shifted as a whole
        assert np.ptp(shift) < 1e-3
        assert share == pytest.approx(top.mean())


def test_tide_starts_along_the_path_of_igos_pp(image) -> None:
    score, seen = spied(question(toy(Convolutional()), image, "blur"))
    method = create("methods", "tide", grid=8, levels=4)
    method.loss(score, 0, method.start(score))
    keep = seen[0][0][0, 4:]
    assert keep.flatten(1).std(1).max() < 1e-6


def test_tide_spends_what_it_says(image) -> None:
    network = toy(Convolutional())
    explain(network, image, create("methods", "tide", steps=5, levels=3, grid=8))
    assert network.passes.backwards == 30
    assert network.passes.forwards == 31  # one to find the class


@pytest.mark.parametrize(("n", "k", "scale"), [(784, 100.0, 1.0), (50, 0.5, 30.0), (9, 8.9, 0.0)])
def test_soft_top_k_is_exact(n, k, scale) -> None:
    from unsee.masking.masks import soft_top_k

    scores = scale * torch.randn(3, n, generator=torch.Generator().manual_seed(0)).double()
    count = torch.full((3,), k).double()
    top = soft_top_k(scores, count)
    torch.testing.assert_close(top.sum(1), count, atol=1e-6, rtol=0)
    assert ((top > 0) & (top <= 1)).all()
    hard = soft_top_k(scores, count.round().clamp(1, n - 1), temperature=1e-4)
    if scale:
        chosen = hard.topk(int(count[0].round().clamp(1, n - 1)), 1).values
        assert (chosen > 0.5).all()


def test_soft_top_k_gradient() -> None:
    from unsee.masking.masks import soft_top_k

    scores = torch.randn(2, 12, dtype=torch.double, requires_grad=True)
    count = torch.tensor([3.0, 7.5], dtype=torch.double)
    assert torch.autograd.gradcheck(lambda s: soft_top_k(s, count, 0.5), scores)


def test_pda_draws_the_same_windows_alone_and_in_a_batch_of_any_chunk() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    method = create("methods", "pda", window=6, stride=8, samples=3)
    together = explain(toy(Convolutional()), images, method, targets=1).saliency
    small_chunks = explain(toy(Convolutional(), chunk=3), images, method, targets=1).saliency
    alone = [explain(toy(Convolutional()), x, method, targets=1).saliency for x in images]
    torch.testing.assert_close(together, small_chunks, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-3)
    assert together.std() > 0
    flat = explain(toy(Convolutional()), torch.full((1, 3, 32, 32), 0.5), method).saliency
    assert flat.isfinite().all()
