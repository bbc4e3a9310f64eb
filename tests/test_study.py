"""The library's entry point, its result, and the adapter for Captum's users."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import chelsea

from tests.conftest import Convolutional, masked_score, small, toy
from unsee import (
    Against,
    Classifier,
    Explanation,
    Framing,
    InputError,
    Study,
    create,
    explain,
    load,
)
from unsee.cli.explain_options import run_with_bar
from unsee.errors import DiskFullError
from unsee.images import reading
from unsee.metrics._similarity import similarity
from unsee.output.bars import terminal_bars as progress
from unsee.parts import resolve_parts
from unsee.storage.folders import new_folder


@pytest.fixture
def quick():
    return create("methods", "rise", samples=70)


def test_photos_of_any_kind(network, quick, tmp_path) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8))
    picture.save(tmp_path / "a.png")
    forms = [picture, np.asarray(picture), str(tmp_path / "a.png"), tmp_path / "a.png"]
    maps = [explain(network, form, quick).saliency for form in forms]
    assert all(torch.equal(maps[0], other) for other in maps)
    assert explain(network, forms, quick).saliency.shape == (4, 32, 32)
    framed = network.framing.show(reading.from_array(picture))
    assert torch.equal(explain(network, framed[0], quick).saliency, maps[0])


def test_a_plain_module_and_names(images) -> None:
    settings = {"samples": 20}
    explained = explain(Convolutional().eval(), images, create("methods", "rise", **settings))
    assert explained.provenance["classifier"]["mean"] == [0.485, 0.456, 0.406]
    with pytest.raises(InputError, match="training mode"):
        explain(Convolutional(), images, "rise")
    with pytest.raises(InputError, match="did you mean 'rise'"):
        explain(Convolutional().eval(), images, "ryse")


def test_defaults_are_what_the_method_was_published_with(network, images) -> None:
    study = Study.of(network, images, "fido")
    assert study.score.measure.__name__ == "log_odds"
    assert study.score.infiller == create("infillers", "local")
    study = Study.of(network, images, "igos_pp", measure="margin", infiller="grey")
    assert study.score.measure.__name__ == "margin"
    assert study.score.infiller == create("infillers", "grey")


def test_targets_in_every_form(network, images, quick) -> None:
    predicted = network.predict(images).argmax(1)
    assert torch.equal(explain(network, images, quick).targets, predicted)
    for targets, expected in (
        (2, [2, 2, 2]),
        ([0, 1, 2], [0, 1, 2]),
        (torch.tensor([2, 1, 0]), [2, 1, 0]),
        (["top1", 3, "4"], [predicted[0].item(), 3, 4]),
    ):
        assert explain(network, images, quick, targets=targets).targets.tolist() == expected
    for wrong, words in (([1, 2], "expected 3 targets"), (7, "not in 0..4"), ("cat", "no class")):
        with pytest.raises(InputError, match=words):
            explain(network, images, quick, targets=wrong)


def test_provenance_records_settings_and_cost(network, images, quick) -> None:
    before = network.passes.forwards
    provenance = explain(network, images, quick, seed=5).provenance
    json.dumps(provenance, allow_nan=False)
    assert provenance["method"] == {
        "name": "rise", "cells": 7, "samples": 70, "keep": 0.5, "coverage": "actual",
    }  # fmt: skip
    assert provenance["infiller"] == {"name": "grey"}
    assert provenance["cost"]["forwards"] == 3 * 70
    assert provenance["cost"]["backwards"] == 0
    assert network.passes.forwards - before == 3 * 70 + 3
    assert provenance["seed"] == 5
    assert len(set(provenance["seeds"])) == 3
    assert provenance["versions"]["torch"] == torch.__version__


def test_an_explanation_comes_back_from_disk(network, images, quick, tmp_path) -> None:
    explained = explain(network, images, quick)
    folder = explained.save(tmp_path / "deep" / "run")
    loaded = Explanation.load(folder)
    assert torch.equal(loaded.saliency, explained.saliency)
    assert torch.equal(loaded.targets, explained.targets)
    assert torch.equal(loaded.images, explained.images)
    assert loaded.provenance == explained.provenance
    assert torch.equal(loaded[-1].saliency, explained.saliency[2:])
    assert loaded[1].provenance["seeds"] == explained.provenance["seeds"][1:2]
    assert len(list(loaded)) == 3
    with pytest.raises(InputError, match="exists already"):
        explained.save(folder)
    explained.save(folder, overwrite=True)
    assert sorted(p.name for p in tmp_path.joinpath("deep").iterdir()) == ["run"]
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match="not a finished result"):
        Explanation.load(folder)


def test_a_folder_appears_only_when_it_is_complete(tmp_path) -> None:
    def fail(error):
        with new_folder(tmp_path / "run") as folder:
            (folder / "half.txt").write_text("half")
            raise error

    with pytest.raises(DiskFullError, match="No space left"):
        fail(OSError(28, "No space left on device"))
    with pytest.raises(InputError, match="cannot be written"):
        fail(PermissionError(13, "Permission denied"))
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_foreign_folders_are_never_replaced(network, images, quick, tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    with pytest.raises(InputError, match="unsee did not write"):
        explain(network, images, quick).save(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").exists()


def test_plot_draws_every_image(network, images, quick) -> None:
    assert len(explain(network, images, quick).plot().axes) == 6


def test_the_class_api(classifier, images) -> None:
    saliency = small("igos_pp").attribute(masked_score(classifier, images))
    assert saliency.shape == (3, 32, 32)


def test_maps_that_are_not_finite_are_never_returned(images) -> None:
    class Broken(Convolutional):
        def forward(self, x):
            logits = super().forward(x)
            return logits if len(x) == 3 and not torch.is_grad_enabled() else logits * torch.nan

    with pytest.raises(InputError, match="NaN or infinity for image 0, 1, 2"):
        explain(toy(Broken()), images, small("fido", steps=2))


def test_repeats_are_the_mean_and_the_deviation_over_seeds(network, images) -> None:
    rise = create("methods", "rise", samples=70)
    together = explain(network, images, rise, seed=4, repeats=3, targets=1)
    alone = torch.stack(
        [explain(network, images, rise, seed=seed, targets=1).saliency for seed in (4, 5, 6)]
    )
    torch.testing.assert_close(together.saliency, alone.mean(0))
    torch.testing.assert_close(together.deviation, alone.std(0))
    assert together[1].deviation.shape == (1, 32, 32)
    assert explain(network, images, rise).deviation is None
    with pytest.raises(InputError, match="repeats >= 1, got 0"):
        explain(network, images, rise, repeats=0)


def test_deviation_is_saved_and_loaded(network, images, tmp_path) -> None:
    explanation = explain(network, images, create("methods", "rise", samples=70), repeats=2)
    explanation.save(tmp_path / "out")
    torch.testing.assert_close(Explanation.load(tmp_path / "out").deviation, explanation.deviation)


def test_against_is_the_margin_over_one_contrast_class(network, images) -> None:
    score = Study.of(network, images, "gradient", targets=[0, 1, 2], measure=Against(3)).score
    logits = network.logits(images)
    result = score(torch.ones(3, 1, 1, 32, 32))[:, 0]
    expected = logits[range(3), [0, 1, 2]] - logits[:, 3]
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-4)


def test_images_of_a_batch_may_have_targets_of_their_own(network, images) -> None:
    rise = create("methods", "rise", samples=70)
    together = explain(network, images, rise, targets=[0, 3, 4]).saliency
    for i, target in enumerate((0, 3, 4)):
        alone = explain(network, images[i], rise, targets=target).saliency
        torch.testing.assert_close(together[i : i + 1], alone)
    twice = explain(network, images[:1].expand(2, -1, -1, -1), rise, targets=[0, 3]).saliency
    assert not torch.allclose(twice[0], twice[1])


@pytest.mark.parametrize(("method", "passes"), [("rise", 48), ("sliding_patch", 37)])
def test_bfloat16_keeps_the_order_of_forward_only_maps(method, passes) -> None:
    photo = Image.fromarray(chelsea())
    exact, half_precision = (
        explain(load(precision=precision), photo, method, budget=passes).saliency[0]
        for precision in (torch.float32, torch.bfloat16)
    )
    assert similarity(exact, half_precision) > 0.96


def test_targets_may_be_numpy(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    expected = explain(network, images, rise, targets=[1, 2, 3]).saliency
    for targets in (np.array([1, 2, 3]), list(np.array([1, 2, 3])), torch.tensor([1, 2, 3])):
        assert torch.equal(explain(network, images, rise, targets=targets).saliency, expected)
    assert explain(network, images, rise, targets=np.int64(1)).targets.tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="by number or name"):
        explain(network, images, rise, targets=np.array([0.5, 1.5, 2.5]))
    with pytest.raises(InputError, match="no class names"):
        explain(network, images, rise, targets="beagle")


def test_images_may_be_a_list_of_tensors_or_require_gradients(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    expected = explain(network, images, rise).saliency
    assert torch.equal(explain(network, list(images), rise).saliency, expected)
    differentiable = images.clone().requires_grad_()
    lime = create("methods", "lime", superpixels="grid", segments=4, samples=8)
    assert not explain(network, differentiable, lime).saliency.requires_grad
    with pytest.raises(InputError, match="one shape"):
        explain(network, [images[0], images[0, :, :20]], rise)


def test_settings_are_given_in_the_name_or_as_arguments(network, images) -> None:
    expected = explain(network, images, create("methods", "rise", samples=20)).saliency
    assert torch.equal(explain(network, images, "rise:samples=20").saliency, expected)
    assert torch.equal(explain(network, images, "rise", samples=20).saliency, expected)
    assert explain(network, images, "rise:samples=9,cells=4", samples=8).provenance["method"] == {
        "name": "rise", "samples": 8, "cells": 4, "keep": 0.5, "coverage": "actual",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"did you mean 'samples'.*cells, samples, keep, coverage"):
        explain(network, images, "rise", sample=20)


def test_recipe_brings_its_infiller_and_measure(network, images) -> None:
    study = Study.of(network, images, "recipe:fido-sdr:steps=2")
    assert (study.method.mode, study.method.steps) == ("sdr", 2)
    assert study.score.infiller == create("infillers", "local", window=15)
    assert study.score.measure.__name__ == "log_odds"
    study = Study.of(network, images, "recipe:fido-sdr", infiller="blur:sigma=3", measure="logit")
    assert study.score.infiller.sigma == 3
    assert study.score.measure.__name__ == "logit"


def test_names_are_checked_before_the_classifier_is_used(images) -> None:
    for settings, words in (
        ({"method": "rise:samples=x"}, "expected samples"),
        ({"method": "rise", "infiller": "blur:sgima=3"}, "did you mean 'sigma'"),
        ({"method": "rise", "measure": "logits"}, "did you mean 'logit'"),
        ({"method": "rise", "budget": "fats"}, "did you mean 'fast'"),
    ):
        with pytest.raises(InputError, match=words):
            explain("no_such_source", images, **settings)


def test_infiller_of_a_method_keeps_its_published_settings(network, images) -> None:
    mp = create("methods", "mp", steps=1, grid=4)
    assert resolve_parts(mp, "blur").infiller.sigma == 10
    assert Study.of(network, images, mp, infiller="blur").score.infiller.sigma == 10
    assert Study.of(network, images, "tide", infiller="blur").score.infiller.sigma == 50


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": 10**5000}, {"seed": 10**5000}, {"budget": "9" * 5000}, {"patch": 10**5000},
        {"targets": torch.zeros(3, dtype=torch.long, device="meta")},
    ],
    ids=["targets", "seed", "budget", "setting", "targets of meta"],
)  # fmt: skip
def test_numbers_without_end_or_without_values_are_refused(network, images, settings) -> None:
    with pytest.raises(InputError) as caught:
        explain(network, images, "sliding_patch", **settings)
    assert len(str(caught.value)) <= 1000


@pytest.mark.parametrize("change", [torch.Tensor.to_sparse, lambda x: x.to("meta")])
def test_images_without_plain_numbers_are_refused(network, images, change) -> None:
    with pytest.raises(InputError, match=r"pixels in \[0, 1\] as floats, got torch.float32"):
        explain(network, change(images), "sliding_patch")


def test_paths_and_numbers_of_numpy_in_a_classifier_can_be_saved(
    images, quick, tmp_path, unchecked
) -> None:
    framing = Framing((np.int64(32), 32), share=np.float32(0.5))
    classifier = Classifier(
        Convolutional().eval(), framing=framing, name=Path("models") / "best.pth"
    )
    assert classifier.name == str(Path("models/best.pth"))
    explain(classifier, images, quick).save(tmp_path / "result")
    loaded = Explanation.load(tmp_path / "result").provenance["classifier"]
    assert loaded["name"] == classifier.name
    assert loaded["framing"]["share"] == 0.5


def test_settings_that_no_manifest_holds_are_refused_before_the_method_runs(
    network, images, quick, monkeypatch
) -> None:
    study = Study.of(network, images, quick)
    study.check_provenance()
    monkeypatch.setattr(Classifier, "settings", lambda _: {"name": Path("best.pth")})
    passes = network.passes.forwards
    with progress() as bars, pytest.raises(InputError, match=r"settings .* JSON cannot hold"):
        run_with_bar(study, "", bars)
    assert network.passes.forwards == passes
