"""Variational and distilled: what is learned, how it is read, and that processes agree."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.conftest import question
from unsee import InputError, Study, black_box, create, explain, load
from unsee.cli import main
from unsee.images.filters import gaussian_blur
from unsee.masking.masks import total_variation
from unsee.methods._evidence import Evident
from unsee.networks.activation import activation_map
from unsee.networks.gaussian_decoder import FLAT, GaussianDecoder
from unsee.networks.head import rows_of
from unsee.networks.landscape_decoder import LandscapeDecoder
from unsee.networks.mixture import Mixture
from unsee.networks.norm import BatchNorm
from unsee.networks.variational_encoder import PUBLISHED, VariationalEncoder
from unsee.results.assessment import assess
from unsee.results.panel import panel
from unsee.training import casm, distilled, variational
from unsee.training.crops import middles
from unsee.training.photos import gathered
from unsee.training.variational import kept

TOY = "tests.toys:classifier"
ROOT = Path(__file__).parents[2]
CORNERS = "tests.toys:corner"
THREE = "tests.toys:three_sides"


@pytest.fixture
def folder(tmp_path):
    """Photos of two classes: noise whose upper left quarter is bright or dark."""
    g = np.random.default_rng(0)
    for i in range(12):
        pixels = g.integers(60, 180, (24, 24, 3), np.uint8)
        pixels[:12, :12] += 70 if i % 2 else 0
        name = tmp_path / "photos" / "ab"[i % 2] / f"{i:02d}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(name)
    return tmp_path / "photos"


SMALL = {"classifier": TOY, "steps": 4, "batch": 4, "keep": 32, "workers": 0, "save_every": 2,
         "held_out": 2}  # fmt: skip
OF = {
    "casm": (casm.CasmTraining, casm.train, {"width": 5, "strategy": "L100"}),
    "variational": (
        variational.VariationalTraining, variational.train,
        {"widths": (6, 4), "side": 12, "length": 1.0, "rate": 1e-2},
    ),
    "features": (
        variational.VariationalTraining, variational.train,
        {"reads": "features", "width": 6, "side": 12, "length": 1.0, "rate": 1e-2, "spread": 2.0},
    ),
    "gradients": (
        variational.VariationalTraining, variational.train,
        {"reads": "gradients", "width": 6, "side": 12, "length": 1.0, "rate": 1e-2},
    ),
    "heads": (
        variational.VariationalTraining, variational.train,
        {"reads": "gradients", "width": 6, "side": 12, "length": 1.0, "rate": 1e-2, "heads": 3},
    ),
    "distilled": (
        distilled.DistilledTraining, distilled.train,
        {"width": 6, "grid": 8, "infiller": "blur:sigma=3,kernel=9"},
    ),
}  # fmt: skip
FLAGS = {
    "casm": ["--width", "5"],
    "variational": ["--widths", "6", "4", "--side", "12", "--length", "1", "--rate", "1e-2"],
    "distilled": ["--width", "6", "--grid", "8"],
    "infiller": ["--size", "16", "--perceptual", "0", "--critic-from", "2", "--rate", "3e-5"],
}


def states(run):
    """Of a checkpoint."""
    return torch.load(run / "checkpoint.pt", weights_only=True)["states"]


FAST = {
    "casm": ["--rate", "0.05", "--mask-rate", "0.03", "--fade", "0"],
    "variational": ["--rate", "0.03"],
    "distilled": ["--rate", "0.03"],
    "infiller": ["--rate", "0.01"],
}
"""Rates at which three steps go far."""
MOVED = {
    "casm": "decoder", "variational": "encoder", "distilled": "decoder", "infiller": "painter",
}  # fmt: skip
"""Of the states in a checkpoint."""


def trained(kind, folder, out, **more):
    settings, train, own = OF[kind]
    return list(train(settings(data=(str(folder),), out=out, **SMALL | own | more)))


@pytest.mark.parametrize("kind", ["variational", "features", "gradients", "heads", "distilled"])
def test_a_stopped_run_goes_on_exactly(folder, tmp_path, kind) -> None:
    trained(kind, folder, tmp_path / "whole", save_every=1)
    settings, train, own = OF[kind]
    chosen = settings(data=(str(folder),), out=tmp_path / "parts", **SMALL | own)
    steps = train(chosen)
    next(steps), next(steps), next(steps)  # the checkpoint is of the second
    steps.close()
    rest = list(train(chosen))
    assert [one["step"] for one in rest] == [3, 4]
    whole, parts = (
        torch.load(tmp_path / run / "checkpoint.pt", weights_only=True)["states"]
        for run in ("whole", "parts")
    )
    for name in whole:
        if name not in ("adam",):
            assert all(torch.equal(whole[name][key], parts[name][key]) for key in whole[name])
    with pytest.raises(InputError, match="choose another --out"):
        trained(kind, folder, tmp_path / "parts", seed=3)


@pytest.mark.parametrize("kind", ["variational", "distilled"])
def test_the_loss_falls_and_the_best_weights_are_kept(folder, tmp_path, kind) -> None:
    own = {"steps": 60, "save_every": 20, "classifier": CORNERS}
    losses = trained(kind, folder, tmp_path / "run", **own)
    key = {"variational": "reconstruction", "distilled": "area"}[kind]
    first, last = (np.mean([one[key] for one in part]) for part in (losses[:8], losses[-8:]))
    assert last < first
    assert (tmp_path / "run" / f"{kind}.safetensors").stat().st_size > 100
    assert len(list((tmp_path / "run").glob("step-*.png"))) == 3


def test_a_distilled_network_finds_what_the_classifier_looks_at(folder, tmp_path) -> None:
    trained(
        "distilled", folder, tmp_path / "run", classifier=CORNERS, steps=150, rate=1e-2,
        infiller="grey", save_every=50,
    )  # fmt: skip
    weights = str(tmp_path / "run" / "distilled.safetensors")
    classifier = load(CORNERS)
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1)) * 0.3
    images[:, :, :12, :12] += 0.6
    classifier.passes.forwards = 0
    found = explain(classifier, images, create("methods", "distilled", weights=weights), targets=1)
    assert found.provenance["cost"]["forwards"] == 2
    inside = found.saliency[:, :12, :12].mean((1, 2))
    rest = (found.saliency.sum((1, 2)) - 144 * inside) / (24 * 24 - 144)
    assert (inside > rest).all()

    score = question(classifier, images)
    warm = create("methods", "tide", grid=8, scales=2, steps=2, warm_start=weights)
    cold = create("methods", "tide", grid=8, scales=2, steps=2)
    assert warm.begin(score)[:, -64:].abs().sum() > 0
    assert warm.begin(score)[:, :-64].abs().sum() == 0
    begun = warm.begin(score)[:, -64:]
    torch.testing.assert_close(begun.std(1, correction=0), torch.ones(2), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(begun.mean(1), torch.zeros(2), rtol=0, atol=1e-5)
    losses = [method.loss(score, 0, method.begin(score)).mean() for method in (warm, cold)]
    assert losses[0] < losses[1]
    assert warm.update_rule.rate == 2 * cold.update_rule.rate  # in half of the steps as far
    fewer = replace(warm, steps=20, grid=8), replace(cold, steps=40, grid=8)
    reached = [explain(classifier, images, method, targets=1).saliency for method in fewer]
    areas = [
        create("metrics", "deletion").rate(score, found).mean()
        - create("metrics", "insertion").rate(score, found).mean()
        for found in reached
    ]
    assert areas[0] < areas[1] + 0.02


def test_the_encoder_is_the_published_one() -> None:
    assert len(PUBLISHED) == 16
    encoder = VariationalEncoder()
    assert sum(isinstance(m, torch.nn.Conv2d) for m in encoder.modules()) == 17
    means, log_variances = encoder.eval()(torch.rand(1, 3, 20, 28))
    assert means.shape == log_variances.shape == (1, 1, 20, 28)
    small = VariationalEncoder(widths=(4,), side=8).eval()
    assert small(torch.rand(2, 3, 20, 20)).mean.shape == (2, 8, 8)


def test_any_share_may_be_kept(folder, tmp_path) -> None:
    from accelerate import Accelerator

    own = {**OF["features"][2], **SMALL, "spread": 0.0}
    game = variational.VariationalGame(OF["features"][0](**own), Accelerator(cpu=True))
    coins = torch.tensor([0.0, 0.3, 0.999])
    torch.testing.assert_close(game._shares(coins), torch.tensor([0.01, 0.3, 0.99]))
    game.chosen = replace(game.chosen, share=0.2, spread=4.0)
    torch.testing.assert_close(
        game._shares(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([0.05, 0.2, 0.8])
    )


def test_a_single_cell_does_not_make_the_kept_pixels_even() -> None:
    scores = torch.randn(1, 10, 10, generator=torch.Generator().manual_seed(0))
    plain = kept(scores, torch.tensor([0.3]), 0.1)
    torch.testing.assert_close(kept(5 * scores + 2, torch.tensor([0.3]), 0.1), plain)
    high = scores.clone()
    high[0, 0, 0] = 8.0
    assert kept(high, torch.tensor([0.3]), 0.1).std() > 0.8 * plain.std()
    assert kept(0 * scores, torch.tensor([0.3]), 0.1).allclose(torch.tensor(0.3))


def test_the_probability_may_be_what_is_kept(folder, tmp_path) -> None:
    losses = trained("gradients", folder, tmp_path / "run", reconstruction="probability")
    assert all(0 <= one["reconstruction"] <= 1 for one in losses)
    with pytest.raises(InputError, match="choose another --out"):
        trained("gradients", folder, tmp_path / "run")


def test_the_kept_pixels_sum_to_the_share() -> None:
    scores = torch.randn(3, 10, 10, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([0.05, 0.3, 1.0])
    np.testing.assert_allclose(kept(scores, shares, 0.1).sum((1, 2)), 100 * shares, rtol=1e-4)
    hard = kept(scores, torch.full((3,), 0.1), 1e-3) > 0.5
    assert torch.equal(hard.flatten(1).sum(1), torch.tensor([10, 10, 10]))
    for one, top in zip(scores, hard, strict=True):
        assert one[top].min() > one[~top].max()


@pytest.mark.parametrize("kind", ["variational", "features", "gradients", "heads"])
def test_variational_reads_mean_deviation_and_samples(folder, tmp_path, kind) -> None:
    trained(kind, folder, tmp_path / "run")
    path = tmp_path / "run" / "variational.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    tensors["last.weight"][1::2] *= 30  # so that pixels differ in what they are sure of
    save_file(tensors, path, about)
    weights = str(path)
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    classifier = load(TOY)
    maps = {
        reading: explain(
            classifier, images, create("methods", "variational", weights=weights, reading=reading)
        ).saliency
        for reading in ("mean", "deviation", "sample")
    }
    assert (maps["deviation"] > 0).all()
    assert not torch.equal(maps["mean"], maps["sample"])
    drawn = create("methods", "variational", weights=weights, reading="sample")
    other = explain(classifier, images, drawn, seed=1)
    assert not torch.equal(other.saliency, maps["sample"])
    assert torch.equal(explain(classifier, images, drawn).saliency, maps["sample"])
    off = (explain(classifier, images, drawn, seed=s).saliency - maps["mean"] for s in range(30))
    spread = torch.stack(list(off)).std(0)
    assert np.corrcoef(spread.flatten(), maps["deviation"].flatten())[0, 1] > 0.3
    assert total_variation(maps["mean"][:, None, None]).shape == (2,)


@pytest.mark.parametrize(
    ("reading", "title"),
    [("mean", "Importance for the class"), ("deviation", "Where the map is unsure")],
)
def test_a_panel_says_what_its_map_is_of(reading, title) -> None:
    classifier = load(TOY)
    images = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    method = create("methods", "variational", weights="random", reading=reading)
    study = Study.of(classifier, images, method)
    study.finish()
    drawn = panel(assess(study, 0.15), images[0], np.zeros((24, 24, 3), np.uint8))
    assert title in [axes.get_title() for axes in drawn.axes]
    words = {text.get_text() for axes in drawn.axes for text in axes.texts}
    assert {"sure", "unsure"} <= words if reading == "deviation" else "decisive" in words


@pytest.mark.parametrize("kind", ["casm", "variational", "features", "gradients", "distilled"])
def test_photos_may_be_shown_smaller_than_the_classifier_takes_them(folder, tmp_path, kind) -> None:
    trained(kind, folder, tmp_path / "run", size=16)
    path = tmp_path / "run" / f"{OF[kind][1].__module__.rpartition('.')[2]}.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    assert json.loads(about["run"])["size"] == 16
    method = create("methods", path.stem, weights=str(path))
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    assert explain(load(TOY), images, method).saliency.isfinite().all()
    with pytest.raises(InputError, match="a run with size = 16 is there"):
        trained(kind, folder, tmp_path / "run")
    if kind in ("variational", "features", "gradients"):
        from accelerate import Accelerator

        own = OF[kind][2] | SMALL | {"size": 16}
        game = variational.VariationalGame(OF[kind][0](**own), Accelerator(cpu=True))
        assert (game.size, game.encoder.side, game.prior.height) == (16, 8, 8)
        assert about["side"] == "12"


def test_a_mixture_is_unsure_where_its_gaussians_disagree() -> None:
    means = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    found = Mixture(means, torch.full_like(means, 0.25).log())
    torch.testing.assert_close(found.mean, means.mean(1))
    wanted = (means.std(1, correction=0) ** 2 + 0.25).sqrt()
    torch.testing.assert_close(found.deviation, wanted)
    mean, log_variance = found.one(torch.tensor([2, 0]))
    torch.testing.assert_close(mean, torch.stack([means[0, 2], means[1, 0]]))
    torch.testing.assert_close(log_variance.exp(), torch.full((2, 4, 4), 0.25))
    lone = Mixture(means[:, :1], torch.zeros(2, 1, 4, 4))
    torch.testing.assert_close(lone.deviation, torch.ones(2, 4, 4))


def test_each_photo_trains_one_head() -> None:
    torch.manual_seed(0)
    decoder = GaussianDecoder([4, 8], width=6, side=8, evident=True, heads=3).eval()
    torch.nn.init.normal_(decoder.last.weight, std=0.1)
    maps = [torch.randn(2, 4, 8, 8), torch.randn(2, 8, 4, 4), torch.randn(2, 2, 16, 16)]
    found = decoder(maps, torch.ones(2, 2) / 2)
    assert found.means.shape == found.log_variances.shape == (2, 3, 8, 8)
    mean, log_variance = found.one(torch.tensor([1, 1]))
    (mean.square().sum() + log_variance.sum()).backward()
    moved = decoder.last.weight.grad.flatten(1).abs().sum(1) > 0
    assert moved.tolist() == [False, False, True, True, False, False]
    joined = decoder.join[0].weight.grad.flatten(1).abs().sum(1).view(3, 6)
    assert (joined[1] > 0).all()
    assert not joined[[0, 2]].any()


def test_a_black_box_has_no_features_to_read(folder, tmp_path) -> None:
    trained("features", folder, tmp_path / "run")
    method = create(
        "methods", "variational", weights=str(tmp_path / "run" / "variational.safetensors")
    )
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(24, 24))
    object.__setattr__(box, "name", TOY)
    with pytest.raises(InputError, match="a black box has none"):
        explain(box, torch.rand(1, 3, 24, 24), method)


def test_gradients_are_read_in_one_pass_forward_and_back(folder, tmp_path) -> None:
    trained("gradients", folder, tmp_path / "run")
    weights = str(tmp_path / "run" / "variational.safetensors")
    method, classifier = create("methods", "variational", weights=weights), load(TOY)
    images = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    found = explain(classifier, images, method)
    assert found.provenance["cost"]["forwards"] == found.provenance["cost"]["backwards"] == 3
    alone = explain(classifier, images[1:2], method).saliency
    torch.testing.assert_close(found.saliency[1:2], alone)
    assert explain(classifier, images * 0 + 0.5, method).saliency.isfinite().all()
    with pytest.raises(InputError, match="this classifier has none"):
        explain(replace(classifier, differentiable=False), images, method)


def test_the_weights_of_variational_ship_with_their_uncertainty() -> None:
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    maps = {}
    for reading in ("mean", "deviation"):
        found = explain(
            "efficientnet_lite0", image, create("methods", "variational", reading=reading)
        )
        maps[reading] = found.saliency
        assert found.saliency.isfinite().all()
        assert found.provenance["cost"]["forwards"] == found.provenance["cost"]["backwards"] == 1
    assert (maps["deviation"] > 0).all()
    assert maps["deviation"].std() > 0.1 * maps["deviation"].mean()


def test_evidence_is_the_first_order_change_of_a_blurred_pixel() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 2)
    )
    x = torch.randn(2, 3, 16, 16)
    answer, (maps, evidence) = Evident(network, ["0"])(x)
    torch.testing.assert_close(answer, network(x).detach())
    assert maps.shape == (2, 4, 14, 14)
    assert evidence.shape == (2, 2, 16, 16)
    assert not any(one.requires_grad for one in (answer, maps, evidence))
    assert all(p.grad is None for p in network.parameters())
    top = answer.argmax(1)
    weight = (network[2].weight[top] - network[2].weight[1 - top]).view(2, 4, 14, 14)
    gradient = torch.nn.functional.conv_transpose2d(weight, network[0].weight)  # all is linear
    change = gradient * (x - gaussian_blur(x, 5, 11))
    torch.testing.assert_close(evidence[:, 0], change.sum(1).detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(evidence[:, 1], change.abs().sum(1).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["casm", "variational", "distilled"])
def test_weights_that_do_not_fit_are_refused(folder, tmp_path, kind) -> None:
    trained(kind, folder, tmp_path / "run")
    other = load(TOY)
    object.__setattr__(other, "name", "another")
    images = torch.rand(1, 3, 24, 24)
    weights = str(tmp_path / "run" / f"{kind}.safetensors")
    with pytest.raises(InputError, match="was trained for the classifier"):
        explain(other, images, create("methods", kind, weights=weights))
    with pytest.raises(InputError, match=f"unsee train {kind}"):
        explain(other, images, create("methods", kind, weights=str(tmp_path / "no.safetensors")))


def test_labels_of_a_data_set(folder, tmp_path) -> None:
    found = gathered([f"image_folder:{folder}"], 32)
    assert found.pictures.shape == (12, 3, 32, 32)
    assert found.targets.tolist() == [0] * 6 + [1] * 6
    losses = trained(
        "casm", f"image_folder:{folder}", tmp_path / "run", labels="data", classifier=CORNERS
    )
    assert len(losses) == 4
    three = gathered([f"image_folder:{folder}"], 32, classes="0-1,7")
    assert len(three.targets) == 12
    for classes, words in (("1", "at least two classes"), ("a-b", "expected classes as 0-49")):
        with pytest.raises(InputError, match=words):
            gathered([f"image_folder:{folder}"], 32, classes=classes)
    (folder / "b").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="at least two classes"):
        gathered([f"image_folder:{folder}"], 32)


def test_classes_that_the_classifier_says(folder) -> None:
    Image.new("RGB", (24, 24), (250, 250, 250)).save(folder / "white.png")
    asked = {"data": (str(folder),), "keep": 32, "classifier": THREE}
    everyone, some = (
        casm.CasmTraining(**asked, classes=classes).photos().pictures for classes in ("", "1-2")
    )
    said = load(THREE).predict(middles(everyone, load(THREE).framing.size[0])).argmax(1)
    assert sorted(said.unique().tolist()) == [0, 1, 2]
    assert torch.equal(some, everyone[said > 0])
    with pytest.raises(InputError, match="at least two classes, got 1 photos of one"):
        casm.CasmTraining(**asked, classes="2").photos()
    with pytest.raises(InputError, match="takes for one of classes 7"):
        casm.CasmTraining(**asked, classes="7").photos()


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("variational", {"share": 0.0}, r"expected a share in \(0, 1\]"),
        ("variational", {"share": 1.5}, r"expected a share in \(0, 1\]"),
        ("variational", {"length": 3.0, "nugget": 1e-4, "side": 28}, "or a larger nugget"),
        (
            "variational",
            {"length": 300.0, "nugget": 0.0},
            "not positive definite at length-scale 300",
        ),
        ("variational", {"rate": 1e30}, "not finite"),
        ("features", {"side": 0}, "expected a side >= 1 where features are read"),
        ("gradients", {"side": 0}, "expected a side >= 1 where gradients are read"),
        ("gradients", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("gradients", {"heads": 0}, "expected heads >= 1"),
        ("variational", {"heads": 2}, "and 1 where the image is read, got 2"),
        ("variational", {"spread": 0.5}, "expected spread 0 or >= 1"),
        ("variational", {"share": 0.5, "spread": 3.0}, r"share \* spread <= 1"),
        ("casm", {"size": 8}, "expected size 0 or at least 16, got 8"),
        ("features", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("distilled", {"levels": 0}, "expected levels >= 1"),
        ("distilled", {"infiller": "gray"}, "did you mean 'grey'"),
        ("distilled", {"infiller": "blur:sigma"}, "expected NAME:setting=value"),
        ("casm", {"data": ()}, "expected data"),
        ("casm", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("distilled", {"classifier": "tests.toys:patches"}, "no feature maps"),
        ("casm", {"classifier": "tests.toys:grey"}, "photos have 3 channels"),
    ],
)
def test_wrong_settings_are_refused(folder, tmp_path, kind, settings, words) -> None:
    chosen, train, own = OF[kind]
    plain = {"data": (str(folder),), "out": tmp_path / "run", **SMALL, **own, "steps": 30}
    with pytest.raises(InputError, match=words):
        list(train(chosen(**{**plain, **settings})))


@pytest.mark.parametrize("name", ["reads", "reconstruction", "labels"])
def test_words_that_are_no_choice_are_refused(name) -> None:
    chosen = variational.VariationalTraining(**SMALL)
    object.__setattr__(chosen, name, "pixels")  # as a caller without type checks would
    with pytest.raises(InputError, match=f"no {name} of VariationalTraining .*'pixels'"):
        chosen.__post_init__()


@pytest.mark.parametrize("kind", ["variational", "distilled"])
def test_a_run_that_diverges_keeps_its_last_good_checkpoint(folder, tmp_path, kind) -> None:
    out = tmp_path / "run"
    trained(kind, folder, out, steps=30, save_every=1, rate=1e-3, minutes=1e-9)  # a single step
    good = (out / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError, match="not finite"):
        trained(kind, folder, out, steps=30, save_every=1, rate=1e30)
    stored = torch.load(out / "checkpoint.pt", weights_only=True)
    for states in stored["states"].values():
        for value in states.values():
            assert not isinstance(value, torch.Tensor) or value.isfinite().all()
    assert load_file(out / f"{kind}.safetensors")
    trained(kind, folder, out, steps=30, save_every=5, rate=1e-4)  # and a lower rate goes on
    last = torch.load(out / "checkpoint.pt", weights_only=True)
    assert last["step"] == 30
    assert last["states"]["adam"]["param_groups"][0]["lr"] <= 1e-4
    assert good != (out / "checkpoint.pt").read_bytes()


def test_what_a_head_knows_of_classes() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 5))
    rows = rows_of(network, 5)
    assert rows.shape == (5, 3)
    assert rows.mean() == pytest.approx(0, abs=1e-6)
    corr = torch.corrcoef(torch.stack([rows.flatten(), network[1].weight.detach().flatten()]))[0, 1]
    assert corr == pytest.approx(1, abs=1e-5)
    assert rows_of(network, 7) is None
    assert rows_of(torch.nn.Conv2d(3, 5, 3), 5) is None
    assert rows_of(torch.nn.Conv2d(3, 5, 1), 5).shape == (5, 3)
    decoder = LandscapeDecoder((4, 3), 5, width=6, grid=8, rows=rows).eval()
    features = [torch.rand(1, 4, 16, 16), torch.rand(1, 3, 4, 4)]
    one, other = (decoder(features, torch.tensor([k])) for k in (0, 1))
    assert decoder.activated
    assert one.shape == (1, 1, 8, 8)
    assert not torch.equal(one, other)
    assert "rows" not in decoder.state_dict()


def test_weights_are_read_anew_when_the_file_is_another(folder, tmp_path) -> None:
    trained("distilled", folder, tmp_path / "run", classifier=CORNERS)
    path = tmp_path / "run" / "distilled.safetensors"
    classifier, method = load(CORNERS), create("methods", "distilled", weights=str(path))
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    before = explain(classifier, image, method).saliency
    assert torch.equal(explain(classifier, image, method).saliency, before)
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    tensors["gate.weight"] += 1
    save_file(tensors, path, about)
    os.utime(path, ns=(1, 1))
    after = explain(classifier, image, method).saliency
    assert (after - before).abs().max() > 0.1
    other = str(tmp_path / "other.safetensors")
    save_file(tensors, other, about)
    fresh = create("methods", "distilled", weights=other)
    assert torch.equal(after, explain(classifier, image, fresh).saliency)


def test_a_decoder_wants_its_own_features() -> None:
    decoder = LandscapeDecoder((4, 6), 3, width=5, grid=8)
    target = torch.tensor([2])
    features = [torch.rand(1, 4, 16, 16), torch.rand(1, 6, 4, 4)]
    assert decoder.eval()(features, target).shape == (1, 1, 8, 8)
    with pytest.raises(InputError, match="another classifier"):
        decoder(features[::-1], target)


def test_batch_norm_alone_is_torchs_own() -> None:
    x = torch.randn(4, 3, 5, 5)
    ours, theirs = BatchNorm(3), torch.nn.BatchNorm2d(3)
    torch.testing.assert_close(ours(x), theirs(x))
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def asked(kind, folder, *more) -> list[str]:
    """A small training by the command line."""
    given = [] if kind == "infiller" else ["--classifier", TOY]
    return [
        "-m", "unsee", "train", kind, "--data", str(folder), *given, "--batch", "4", "--keep",
        "32", "--workers", "0", "--held-out", "2", *FLAGS[kind], *more, "--out",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["casm", "variational", "distilled", "infiller"])
def test_two_processes_train_as_one(folder, tmp_path, kind) -> None:
    common = asked(kind, folder, "--steps", "3", "--save-every", "3", *FAST[kind])
    several = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29511"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment["ACCELERATE_USE_CPU"] = "1"
    for name, launcher in (("one", []), ("two", several)):
        done = subprocess.run(
            [sys.executable, *launcher, *common, str(tmp_path / name)],
            env=environment, capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (states(tmp_path / name)[MOVED[kind]] for name in ("one", "two"))
    assert one.keys() == two.keys()
    off = max((one[key].float() - two[key].float()).abs().max() for key in one)
    assert off < 5e-4
    subprocess.run(
        [sys.executable, *common, str(tmp_path / "first"), "--steps", "1", "--save-every", "1"],
        env=environment, capture_output=True, cwd=ROOT, check=True,
    )  # fmt: skip
    first = states(tmp_path / "first")[MOVED[kind]]
    moved = max((first[key].float() - value.float()).abs().max() for key, value in one.items())
    assert moved > 20 * off  # two steps go far beyond what the processes differ by


@pytest.mark.parametrize("kind", ["casm", "variational", "distilled", "infiller"])
def test_a_killed_run_goes_on_bit_for_bit(folder, tmp_path, kind) -> None:
    command = [sys.executable, *asked(kind, folder, "--steps", "30", "--save-every", "1")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    how = {"env": environment, "cwd": ROOT, "stdout": subprocess.DEVNULL}
    subprocess.run([*command, str(tmp_path / "whole")], check=True, **how)
    out, g = tmp_path / "parts", np.random.default_rng(0)
    kills = 0
    for picture in (3, 11, 19):  # the n-th picture follows the n-th checkpoint
        process = subprocess.Popen([*command, str(out)], **how)
        while process.poll() is None and len(list(out.glob("step-*.*"))) < picture:
            time.sleep(0.002)
        time.sleep(g.uniform(0, 0.1))
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills >= 2
    subprocess.run([*command, str(out)], check=True, **how)
    whole, parts = (
        load_file(next((tmp_path / run).glob("*.safetensors"))) for run in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_the_command_knows_all_kinds(folder, tmp_path, capsys) -> None:
    assert main(["train"]) == 0
    assert "infiller|casm|variational|distilled" in capsys.readouterr().out
    assert main(["train", "variatonal"]) == 2
    assert "did you mean 'variational'" in capsys.readouterr().err


def test_a_gaussian_begins_as_the_class_activation_map() -> None:
    g = torch.Generator().manual_seed(0)
    rows, coarsest = torch.randn(5, 3, generator=g), torch.randn(2, 3, 4, 4, generator=g)
    features = [torch.rand(2, 4, 16, 16, generator=g), coarsest]
    said = torch.eye(5)[[1, 3]]
    plain = torch.stack(
        [(coarsest[i].relu() * rows[k][:, None, None]).sum(0) for i, k in [(0, 1), (1, 3)]]
    )
    plain = (plain - plain.mean((1, 2), keepdim=True)) / plain.std((1, 2), keepdim=True)
    torch.testing.assert_close(activation_map(coarsest.relu(), said @ rows, 4)[:, 0], plain)
    flat = activation_map(torch.ones(1, 3, 4, 4), rows[:1], 8)
    assert flat.min() == pytest.approx(flat.max())
    gaussian = GaussianDecoder((4, 3), width=6, side=4, rows=rows).eval()
    torch.nn.init.zeros_(gaussian.last.weight)
    torch.testing.assert_close(gaussian(features, said).mean, plain / (1 + FLAT))
    assert GaussianDecoder((3, 4), width=6, side=4, rows=rows).rows is None

    evident = GaussianDecoder((4, 3), width=6, side=4, rows=rows, evident=True).eval()
    torch.nn.init.zeros_(evident.last.weight)
    signed = torch.randn(2, 1, 16, 16, generator=g)
    mean = evident([*features, torch.cat([signed, signed.abs()], 1)], said).mean
    cells = torch.nn.functional.avg_pool2d(signed, 4)[:, 0]
    cells = (cells - cells.mean((1, 2), keepdim=True)) / cells.std((1, 2), keepdim=True)
    both = plain + cells / 2
    both = (both - both.mean((1, 2), keepdim=True)) / (both.std((1, 2), keepdim=True) + FLAT)
    torch.testing.assert_close(mean, both, rtol=1e-4, atol=1e-4)
