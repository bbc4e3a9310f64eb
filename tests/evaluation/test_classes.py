"""Class folders are matched with the classifier's classes by name; weights belong to a run."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.conftest import Convolutional, toy
from tests.evaluation.runs import make_plan, run_plan
from unsee import InputError, black_box
from unsee.classifiers.labels import Synonyms, with_synonyms
from unsee.datasets._classes import class_numbers
from unsee.datasets._imagenet import imagenet_classes
from unsee.datasets.base import Sample, Samples
from unsee.evaluation import loaded
from unsee.reports.results import Results

LABELS = ("dog", "cat", Synonyms("tabby, tabby_cat"))


def three():
    model = Convolutional(3)
    with torch.no_grad():
        model.head.bias += three.shift
    return toy(model, size=24, labels=LABELS)


three.shift = 0.0
SPEC = "tests.evaluation.test_classes:three"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(three, "shift", 0.0)
    loaded.load_classifier.cache_clear()
    loaded.digest_of.cache_clear()


def plan_of(folder, classes, **settings):
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (30, 30), (40 * number, 90, 200)).save(folder / name / "a.png")
    settings = {"methods": ("random",), "metrics": ("gini",), "shard": 1, **settings}
    return make_plan(folder, classifiers=(SPEC,), **settings)


@pytest.mark.parametrize(
    ("classes", "targets"),
    [
        (("cat", "dog", "tabby cat"), [1, 0, 2]),
        (("Tabby-Cat", "dog"), [2, 0]),
        (("0", "1", "2"), [0, 1, 2]),  # numbers of classes, which are no names
        (("2", "1"), [1, 2]),
    ],
)
def test_class_folders_have_the_numbers_of_the_classifier(classes, targets, tmp_path) -> None:
    rows = run_plan(plan_of(tmp_path / "data", classes), tmp_path / "run")
    assert [row["target"] for row in rows] == targets


@pytest.mark.parametrize(
    "classes",
    [
        ("cats", "dogs"),
        ("bird", "cat", "dog"),
        ("bird", "cat", "dog", "eel"),
        ("a", "b", "c"),  # as many as the classifier has
        ("dog", "e", "f"),
    ],
)
def test_class_folders_of_other_classes_are_refused(classes, tmp_path) -> None:
    plan = plan_of(tmp_path / "data", classes)
    with pytest.raises(InputError, match="is not the name of one class of the classifier"):
        run_plan(plan, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    top1 = plan_of(tmp_path / "other", classes, target="top1")
    assert not any(row["error"] for row in run_plan(top1, tmp_path / "top1"))


def test_the_alphabetical_order_is_that_of_the_classes_where_it_is_set(tmp_path) -> None:
    plan = plan_of(tmp_path / "data", ("cats", "dogs"))
    plan = replace(plan, data=f"image_folder:{plan.data},numbering=alphabetical")
    assert [row["target"] for row in run_plan(plan, tmp_path / "run")] == [0, 1]


@pytest.mark.parametrize(
    ("classes", "labels", "count", "numbers"),
    [
        ({0: ("T - shirt / top",)}, ("bag", "T-shirt/top"), 2, {0: 1}),
        ({10: ("10",), 2: ("2",)}, (), 11, {10: 10, 2: 2}),
        ({10: ("10",), 2: ("2",)}, ("2", "10"), 2, {10: 1, 2: 0}),  # numbers that are names
        ({0: ("cat",), 1: ("dog",)}, (), 2, {0: 0, 1: 1}),  # nothing to compare
        ({0: ("cat",), 1: ("dog",)}, (), None, {0: 0, 1: 1}),
        ({0: ("cat",), 1: ("dog",)}, (), 3, "the data set has 2 classes, and the classifier 3"),
        ({0: (), 1: ()}, ("a", "b"), 2, {0: 0, 1: 1}),  # names of which one side has none
        ({0: (), 1: ()}, ("a", "b", "c"), 3, "has 2 classes, and the classifier 3"),
        ({0: ("crane",), 1: ("crane",)}, ("crane", "crane"), 2, {0: 0, 1: 1}),
        ({0: ("crane",), 1: ("b",)}, ("b", "crane", "crane"), 3, "'crane' is not the name of one"),
        ({1: ("1",)}, ("15", "-1"), 2, {1: 1}),
    ],
)
def test_numbers_of_classes(classes, labels, count, numbers) -> None:
    samples = Samples(
        [Sample(str(number), lambda channels: None, number) for number in classes],
        classes=classes,
    )
    if isinstance(numbers, str):
        with pytest.raises(InputError, match=numbers):
            class_numbers(samples, labels, count, "data")
    else:
        assert class_numbers(samples, labels, count, "data") == numbers


def test_imagenets_numbers_are_those_of_1000_classes() -> None:
    def numbers(labels, count):
        samples = [Sample("dog", lambda channels: None, 217), Sample("chute", dict, 701)]
        whole = Samples(samples, classes=imagenet_classes(), of_imagenet=True)
        return class_numbers(whole, labels, count, "data")

    names = with_synonyms([imagenet_classes()[number][1] for number in range(1000)])
    own = {217: 217, 701: 701}
    nothing = [[f"{word}{n}" for n in range(1000)] for word in ("Klasse ", "LABEL_", "class", "")]
    for labels in ((), names, [*names[:600], *nothing[1][600:]], *nothing):
        assert numbers(labels, 1000) == own
    birds = [f"{'AB'[number % 2]}. bird {number}" for number in range(1000)]
    for labels in (birds, [*birds[:600], *names[600:]]):
        with pytest.raises(InputError, match="is not the name of one class of the classifier"):
            numbers([*labels[:217], "a thrush", *labels[218:]], 1000)
    for count in (1001, 21_841):  # as networks with a class for the background have
        with pytest.raises(
            InputError, match=f"ImageNet's 1000 classes, and the classifier {count}"
        ):
            numbers((), count)
    assert numbers(("background", *names), 1001) == {217: 218, 701: 702}
    assert numbers(names[::-1], 1000) == {217: 782, 701: 298}
    assert numbers(("parachute", "n02102040"), 2) == {217: 1, 701: 0}


def test_the_order_of_names_that_cannot_be_compared_is_noted_once(tmp_path, caplog) -> None:
    plan = plan_of(tmp_path / "data", [f"c{number}" for number in range(5)])
    run_plan(replace(plan, classifiers=("tests.toys:classifier",)), tmp_path / "run")
    (message,) = caplog.messages
    assert "tests.toys:classifier has no names of classes" in message
    assert "0 is c0, 1 is c1" in message


def test_selected_classes_are_named_in_a_note(tmp_path) -> None:
    plan = replace(plan_of(tmp_path / "data", ("cat", "dog")), classes="1")
    assert plan.samples().notes == ("classes 1 are counted as in the data set: 1 dog",)
    (row,) = run_plan(plan, tmp_path / "run")
    assert (row["photo"], row["target"]) == ("dog/a.png", 0)


def test_a_run_is_not_continued_with_other_weights(tmp_path, monkeypatch) -> None:
    plan = plan_of(tmp_path / "data", ("cat", "dog", "tabby"))
    rows = run_plan(plan, tmp_path / "run")
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    copy = shutil.copytree(tmp_path / "run", tmp_path / "copy")
    monkeypatch.setattr(three, "shift", 1.0)
    loaded.load_classifier.cache_clear()
    loaded.digest_of.cache_clear()
    with pytest.raises(InputError, match=r"another classifier of the same name \(other weights\)"):
        run_plan(plan, tmp_path / "run")
    monkeypatch.setattr(three, "shift", 0.0)
    loaded.load_classifier.cache_clear()
    loaded.digest_of.cache_clear()
    assert [row["target"] for row in run_plan(plan, copy)] == [row["target"] for row in rows]


def test_reports_do_not_mix_photos_targets_or_weights(tmp_path, monkeypatch) -> None:
    plan = plan_of(tmp_path / "data", ("cat", "dog", "tabby"))
    run_plan(plan, tmp_path / "run")
    others = {
        "other data": plan_of(tmp_path / "more", ("cat", "dog", "tabby"), methods=("box",)),
        "other targets": replace(plan, target="top1", methods=("box",)),
    }
    for words, other in others.items():
        run_plan(other, tmp_path / words)
        with pytest.raises(InputError, match=words):
            Results.read([tmp_path / "run", tmp_path / words])
    same = replace(plan, methods=("box",))
    run_plan(same, tmp_path / "same")
    assert len(Results.read([tmp_path / "run", tmp_path / "same"]).configurations) == 2
    monkeypatch.setattr(three, "shift", 1.0)
    loaded.load_classifier.cache_clear()
    loaded.digest_of.cache_clear()
    run_plan(same, tmp_path / "weights")
    with pytest.raises(InputError, match="with other weights"):
        Results.read([tmp_path / "run", tmp_path / "weights"])


def test_a_photo_that_is_replaced_under_its_name_is_noticed(tmp_path) -> None:
    plan = replace(
        plan_of(tmp_path / "data", ("cat", "dog", "tabby")), methods=("random", "box"), limit=1
    )
    run_plan(plan, tmp_path / "run")
    run_plan(replace(plan, methods=("random",)), tmp_path / "before")
    (path,) = (tmp_path / "data/cat").iterdir()
    Image.new("RGB", (30, 30), "red").save(path)
    run_plan(replace(plan, methods=("box",)), tmp_path / "after")
    with pytest.raises(InputError, match=f"{path.name} has other pixels than"):
        Results.read([tmp_path / "before", tmp_path / "after"])
    missing = tmp_path / "run/rows/0001-000000.parquet"
    missing.unlink()
    with pytest.raises(InputError, match=f"{path.name} has other pixels than"):
        run_plan(plan, tmp_path / "run")
    assert not missing.exists()


def test_a_class_that_the_classifier_lacks_ends_the_run_before_its_first_row(tmp_path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(3):
        Image.new("RGB", (30, 30), (90, 40 * number, 9)).save(tmp_path / f"data/{number}.png")
    entries = [{"file": f"{number}.png", "index": number + 1} for number in range(3)]
    (tmp_path / "data/annotations.json").write_text(json.dumps(entries))
    plan = make_plan(
        tmp_path / "data", classifiers=(SPEC,), methods=("random",), metrics=("gini",), shard=1
    )
    with pytest.raises(InputError, match=r"class 3 of 2.png is not in 0\.\.2, the classes of"):
        run_plan(plan, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert len(run_plan(replace(plan, target="top1"), tmp_path / "top1")) == 3


def test_names_for_other_outputs_of_a_black_box_end_the_run_before_its_first_row(
    tmp_path,
) -> None:
    plan = plan_of(tmp_path / "data", ("cat", "dog"), methods=("random",), target="top1")
    plan = replace(plan, classifiers=("tests.evaluation.test_classes:two_names",))
    with pytest.raises(InputError, match="2 names for 3 outputs of the model"):
        run_plan(plan, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def two_names():
    box = black_box(
        lambda images: images.mean((2, 3)) / 3, outputs="sigmoid_probabilities", size=(24, 24)
    )
    return replace(box, labels=("cat", "dog"))


def test_the_name_of_a_single_logit_is_the_same_in_all_units(tmp_path) -> None:
    plan = plan_of(tmp_path / "data", ("cat", "dog"), methods=("random",), target="top1")
    plan = replace(plan, classifiers=("tests.evaluation.test_classes:single",))
    assert len(run_plan(plan, tmp_path / "run")) == 2


def single():
    return toy(Convolutional(1), size=24, labels=("dog",))
