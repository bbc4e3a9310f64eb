"""Adversarial examples of a classifier of colours."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Shifted, toy
from tests.datasets.test_mosaics import NAMES, PALETTE, Colours
from tests.evaluation.runs import make_plan, run_plan
from unsee import InputError
from unsee.datasets import _attacks
from unsee.datasets._loading import load_data, loads_classifier

SPEC = "tests.datasets.test_attacked:named"
SIDE = 12
RED, GREEN, YELLOW = 0, 1, 3


def named():
    return toy(Shifted(Colours(6)), size=SIDE, labels=NAMES)


def without_names():
    return toy(Shifted(Colours(6)), size=SIDE)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, colour in enumerate((PALETTE[RED], (250, 120, 0), PALETTE[GREEN])):
        noise = np.random.default_rng(number).integers(-10, 10, (20, 26, 3))
        pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def attacked(photos, **settings):
    values = {"classifier": SPEC, "target": "yellow", **settings}
    text = "".join(f",{key}={value}" for key, value in values.items())
    return load_data(f"attacked:{photos}{text}", trust=True)


def pictures(photos, **settings):
    return torch.stack([sample.photo(3) for sample in attacked(photos, **settings)])


@pytest.mark.parametrize("attack", ["mi_fgsm", "pgd"])
def test_a_small_change_of_each_pixel_gives_the_target(photos, attack) -> None:
    whole = pictures(photos, attack="none")
    changed = pictures(photos, attack=attack, epsilon=40)
    levels = (changed - whole).abs() * 255
    assert levels.max() <= 40.001
    assert levels.mean() > 10
    probability = named().probabilities(changed)[:, YELLOW]
    assert (probability > 100 * named().probabilities(whole)[:, YELLOW])[[0, 2]].all()
    assert named().predict(whole)[1].argmax() != YELLOW
    assert named().predict(changed)[1].argmax() == YELLOW


@pytest.mark.parametrize("attack", ["mi_fgsm", "pgd", "none"])
def test_pictures_are_those_of_a_file(photos, attack) -> None:
    levels = pictures(photos, attack=attack) * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert levels.min() >= 0
    assert levels.max() <= 255
    assert levels.shape[1:] == (3, SIDE, SIDE)


def test_natural_photos_have_the_same_ids_and_no_label(photos) -> None:
    natural, changed = attacked(photos, attack="none"), attacked(photos)
    assert [s.id for s in natural] == [s.id for s in changed]
    assert {s.target for s in natural} == {None}
    assert {s.target for s in changed} == {YELLOW}
    framed = named().framing.show(load_data(str(photos))[0].photo(3))[0]
    assert (natural[0].photo(3) - framed).abs().max() <= 0.5 / 255 + 1e-6


def test_a_picture_depends_on_its_photo_and_the_seed_alone(photos) -> None:
    first, again, other = (pictures(photos, attack="pgd", steps=1, seed=seed) for seed in (0, 0, 1))
    torch.testing.assert_close(first, again, atol=0, rtol=0)
    assert not torch.equal(first, other)
    alone = attacked(photos, attack="pgd", steps=1)[2]
    assert torch.equal(pickle.loads(pickle.dumps(alone)).photo(3), first[2])


def test_momentum_by_hand() -> None:
    classifier = named()
    image = torch.full((1, 3, SIDE, SIDE), 0.4)
    image[:, 0] += 0.3
    x, momentum = image.clone(), torch.zeros_like(image)
    for _ in range(3):
        x.requires_grad_(True)
        loss = -classifier.logits(x).log_softmax(1)[0, YELLOW]
        (gradient,) = torch.autograd.grad(loss, x)
        momentum = momentum + gradient / gradient.abs().mean()
        x = (x.detach() - 0.01 * momentum.sign()).clamp(0, 1)
    expected = _attacks.mi_fgsm(classifier, image, YELLOW, 0.03, 3, 0)
    torch.testing.assert_close(expected, x, atol=1e-6, rtol=0)


def test_successful_attacks_are_those_that_are_answered_so(photos, tmp_path) -> None:
    spec = f"attacked:{photos},classifier={SPEC},target={YELLOW},epsilon=40"
    plan = make_plan(
        spec, classifiers=(SPEC,), methods=("random",), metrics=("scatter",), fit="resize",
        correct=True, trust=True,
    )  # fmt: skip
    rows = run_plan(plan, tmp_path / "run")
    assert {row["target"] for row in rows} == {YELLOW}
    assert "1.png" in {row["photo"] for row in rows}
    assert not any(row["error"] for row in rows)


def test_target_by_number_or_name(photos) -> None:
    assert attacked(photos, target="3")[0].target == YELLOW
    assert attacked(photos, target="3", classifier=f"{SPEC[:-5]}without_names")[0].target == 3
    with pytest.raises(InputError, match=r"class 6 is not in 0\.\.5"):
        attacked(photos, target="6")
    with pytest.raises(InputError, match=r"class 6 is not in 0\.\.5"):
        attacked(photos, target="6", classifier=f"{SPEC[:-5]}without_names")
    with pytest.raises(InputError, match="unknown class 'yelow'"):
        attacked(photos, target="yelow")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0}, "expected epsilon from 1 to 255"),
        ({"steps": 0}, "steps from 1 to 10,000"),
        ({"attack": "fgsm"}, "fgsm"),
    ],
)
def test_wrong_settings_are_refused(photos, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        attacked(photos, **settings)


def test_code_needs_trust_and_reports_load_no_classifier(photos) -> None:
    with pytest.raises(InputError, match="is code that would run; set trust=True"):
        load_data(f"attacked:{photos},classifier={SPEC}")
    assert loads_classifier(f"attacked:{photos}")


def test_grey_photos_do_not_reach_a_colour_classifier(photos) -> None:
    with pytest.raises(InputError, match="attacked for a classifier of 3 channels, but 1 are"):
        attacked(photos)[0].photo(1)


def reversed_names():
    model = Colours(6)
    model.palette = model.palette.flip(0)
    return toy(Shifted(model), size=SIDE, labels=NAMES[::-1])


def labels_of_pictures():
    return toy(Shifted(Colours(6)), size=SIDE, labels=NAMES, outputs="sigmoid")


def test_labels_are_matched_by_name(photos, tmp_path) -> None:
    plan = make_plan(
        f"attacked:{photos},classifier={SPEC},target=yellow,epsilon=40",
        classifiers=(f"{SPEC[:-5]}reversed_names",), methods=("random",), metrics=("scatter",),
        fit="resize", target="label", trust=True,
    )  # fmt: skip
    assert {row["target"] for row in run_plan(plan, tmp_path / "run")} == {5 - YELLOW}


def test_labels_that_do_not_exclude_each_other_are_refused(photos) -> None:
    with pytest.raises(InputError, match="classes of which one is the answer"):
        attacked(photos, classifier=f"{SPEC[:-5]}labels_of_pictures")


def test_attack_within_inference_mode(photos) -> None:
    with torch.inference_mode():
        changed = attacked(photos)[0].photo(3)
    assert torch.equal(changed, attacked(photos)[0].photo(3))
