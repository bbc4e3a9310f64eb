"""Nothing that a row depends on is replaced under its name without notice."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import Convolutional, toy
from tests.evaluation.runs import make_plan, run_plan
from unsee import Classifier, Framing, InputError
from unsee.cli import main
from unsee.evaluation import loaded, part_files
from unsee.evaluation.rows import read_rows
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.networks.weights import PRETRAINED
from unsee.reports.comparable import check_comparable
from unsee.reports.results import Results

CHEAP = {"methods": ("random",), "metrics": ("gini",)}
SPEC = "tests.evaluation.test_replaced_files:changing"


def changing():
    model = Convolutional(5)
    with torch.no_grad():
        model.head.bias += changing.shift
    return replace(toy(Edited(model), size=24), **changing.settings)


changing.shift, changing.settings, changing.edit = 0.0, {}, None


class Edited(nn.Module):
    """A network whose code was edited, if there is an edit; its weights are the same."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x if changing.edit is None else changing.edit(x))


def answering(x):
    """A function, which has no weights."""
    x = x if changing.edit is None else changing.edit(x)
    return 20 * torch.stack([x[:, 0].mean((1, 2)), x[..., :12].mean((1, 2, 3))], 1)


def black_box():
    return Classifier(
        answering, (0.4,) * 3, (1.0,) * 3, Framing((24, 24)), chunk=4, differentiable=False
    )


@pytest.fixture
def change(monkeypatch):
    """Give the classifier other settings, as a factory whose code was edited does."""

    def set_(shift=0.0, edit=None, **settings):
        monkeypatch.setattr(changing, "shift", shift)
        monkeypatch.setattr(changing, "edit", edit)
        monkeypatch.setattr(changing, "settings", settings)
        forget()

    set_()
    yield set_
    forget()


def forget() -> None:
    """Load classifiers again, as another process does."""
    for cached in (loaded.load_classifier, loaded.digest_of, loaded.answers_of):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"outputs": "sigmoid"}, "other kind of outputs"),
        ({"data_mean": (0.1, 0.2, 0.3)}, "other mean colour of the data"),
        ({"data_std": (0.1, 0.2, 0.3)}, "other deviation of the data"),
        ({"shift": 1.0}, "other weights"),
    ],
)
def test_a_classifier_that_became_another_one_is_noticed(
    data, tmp_path, change, settings, words
) -> None:
    plan = make_plan(data, classifiers=(SPEC,), shard=2, limit=4, **CHEAP)
    run_plan(plan, tmp_path / "run")
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    change(**settings)
    with pytest.raises(InputError, match=words):
        run_plan(plan, tmp_path / "run")
    run_plan(replace(plan, methods=("box",)), tmp_path / "other")
    with pytest.raises(InputError, match=f"a classifier of the same name with {words}"):
        check_comparable([Store(tmp_path / "run"), Store(tmp_path / "other")])


@pytest.mark.parametrize("name", ["changing", "black_box"])
def test_a_classifier_whose_code_was_edited_is_noticed(data, tmp_path, change, name) -> None:
    spec = f"tests.evaluation.test_replaced_files:{name}"
    plan = make_plan(data, classifiers=(spec,), shard=2, limit=4, target="top1", **CHEAP)
    run_plan(plan, tmp_path / "run")
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    words = "other outputs for the same pictures"
    for edit in (lambda x: x.flip(3), lambda x: x.flip(1), lambda x: 0.7 * x, torch.relu):
        change(edit=edit)
        with pytest.raises(InputError, match=f"another classifier of the same name .{words}"):
            run_plan(plan, tmp_path / "run")
    run_plan(replace(plan, methods=("box",)), tmp_path / "other")
    with pytest.raises(InputError, match=f"a classifier of the same name with {words}"):
        check_comparable([Store(tmp_path / "run"), Store(tmp_path / "other")])
    change(edit=lambda x: x + 1e-5)  # as rounding may do
    assert len(run_plan(plan, tmp_path / "run")) == 4


def test_a_view_of_an_earlier_version_is_compared_in_what_it_has(data, tmp_path, change) -> None:
    plan = make_plan(data, classifiers=(SPEC,), shard=2, limit=4, **CHEAP)
    run_plan(plan, tmp_path / "run")
    view = tmp_path / "run/classifier-0.json"
    content = json.loads(view.read_text())
    for name in ("kind", "data_mean", "data_std", "answers", "tolerance"):
        del content[name]
    view.write_text(json.dumps(content))
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    assert len(run_plan(plan, tmp_path / "run")) == 4


def test_a_run_in_which_removed_pixels_were_black_is_not_continued(data, tmp_path, change) -> None:
    """Earlier versions took the mean 0 of a model without normalisation for that of the data."""
    change(mean=(0.0,) * 3, std=(1.0,) * 3, data_mean=(), data_std=())
    plan = make_plan(data, classifiers=(SPEC,), shard=2, limit=4, **CHEAP)
    run_plan(plan, tmp_path / "run")
    view = tmp_path / "run/classifier-0.json"
    content = json.loads(view.read_text())
    earlier = {"data_mean": [0.0] * 3, "data_std": [1.0] * 3}
    assert content != content | earlier
    view.write_text(json.dumps(content | earlier))
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    with pytest.raises(InputError, match="other mean colour of the data"):
        run_plan(plan, tmp_path / "run")
    change(mean=(0.0,) * 3, std=(1.0,) * 3, data_mean=(0.0,) * 3, data_std=(1.0,) * 3)
    assert len(run_plan(plan, tmp_path / "run")) == 4


def test_a_run_continues_with_the_share_that_it_has_stored(data, tmp_path, change) -> None:
    """Earlier versions store 0.875 for classifiers that state none; only the size resolves it."""
    plan = make_plan(
        data, classifiers=(SPEC,), reference_classifiers=(SPEC,), shard=1, limit=1, target="top1",
        methods=("random",), metrics=("masked_accuracy",),
    )  # fmt: skip
    whole = run_plan(plan, tmp_path / "run")
    views = [tmp_path / f"run/classifier-{number}.json" for number in (0, 1)]
    for view in views:
        content = json.loads(view.read_text())
        assert content["framing"]["share"] is None
        content["framing"]["share"] = 0.875
        view.write_text(json.dumps(content))
    for rows in (tmp_path / "run/rows").iterdir():
        rows.unlink()
    continued = run_plan(plan, tmp_path / "run")
    change(framing=Framing((24, 24), share=0.875))
    stated = run_plan(plan, tmp_path / "stated")
    assert continued == stated
    assert continued != whole
    change(framing=Framing((24, 24), share=0.5))
    next((tmp_path / "run/rows").iterdir()).unlink()
    with pytest.raises(InputError, match=r"another classifier of the same name .other framing"):
        run_plan(plan, tmp_path / "run")


def test_a_reference_classifier_that_is_replaced_is_noticed(data, tmp_path, change) -> None:
    plan = make_plan(
        data, methods=("random",), metrics=("masked_accuracy",), reference_classifiers=(SPEC,),
        shard=2, limit=4,
    )  # fmt: skip
    run_plan(plan, tmp_path / "run")
    (tmp_path / "run/rows/0000-000001.parquet").unlink()
    change(shift=1.0)
    with pytest.raises(InputError, match="another classifier of the same name"):
        run_plan(plan, tmp_path / "run")
    change()
    assert len(run_plan(plan, tmp_path / "run")) == 4


@pytest.mark.parametrize(
    ("method", "infiller"),
    [
        ("distilled:weights=w.safetensors", "own"),
        ("tide:warm_start=w.safetensors", "own"),
        ("random", "lama:weights=w.safetensors"),
        ("random", "deepfill1:folder"),
        ("random", 'imagined:by="deepfill1:folder"'),
    ],
)
def test_a_file_of_a_part_that_is_replaced_is_noticed(
    data, tmp_path, monkeypatch, method, infiller
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    files = (tmp_path / "w.safetensors", tmp_path / "folder" / "checkpoint")
    for file in files:
        file.write_bytes(b"before")
    plan = make_plan(data, methods=(method,), infillers=(infiller,), metrics=("gini",))
    Run.begin(plan, tmp_path / "run")
    Run.begin(plan, tmp_path / "run")
    for file in files:
        file.write_bytes(b"after")
    with pytest.raises(InputError, match=r"run with other files \((w.safetensors|folder): was "):
        Run.begin(plan, tmp_path / "run")


def test_files_of_a_plan_are_those_that_its_parts_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plan = make_plan(
        "d", methods=("casm", "distilled:random", "tide", "tide:warm_start=distilled"),
        metric_infiller="painter", infillers=("own", "grey", "lama"),
    )  # fmt: skip
    digests = part_files.digests(plan)
    assert set(digests) == {"casm.safetensors", "painter.safetensors", "distilled"}
    assert len(set(digests.values())) == 3
    assert (PRETRAINED / "casm.safetensors").exists()


def test_prefixes_and_weights_beside_a_file_belong_to_it(tmp_path) -> None:
    def digests():
        names = (f"deepfill1:{tmp_path / 'snap'}", f"onnx:{tmp_path / 'm.onnx'}")
        return list(part_files.digests(make_plan("d", infillers=names)).values())

    for name in ("snap.index", "snap.data-0", "m.onnx", "m.onnx.data"):
        (tmp_path / name).write_bytes(b"before")
    before = digests()
    for name in ("snap.data-0", "m.onnx.data"):
        (tmp_path / name).write_bytes(b"after")
    assert len(before) == 2
    assert not {*before} & {*digests()}


@pytest.fixture
def outlined(tmp_path):
    """Two photos with outlines; 1.png has one that covers its upper half."""
    folder, g, entries = tmp_path / "outlined", np.random.default_rng(0), []
    folder.mkdir()
    for number in range(2):
        Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(folder / f"{number}.png")
        mask = np.zeros((30, 40), np.uint8)
        mask[:15] = 255
        Image.fromarray(mask).save(folder / f"mask{number}.png")
        entries.append({"file": f"{number}.png", "index": number, "mask": f"mask{number}.png"})
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def test_an_outline_that_is_replaced_is_noticed(outlined, tmp_path) -> None:
    plan = make_plan(outlined, methods=("random", "box"), metrics=("gini",), shard=1)
    run_plan(plan, tmp_path / "run")
    (tmp_path / "run/rows/0001-000001.parquet").unlink()
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    Image.fromarray(np.eye(30, 40, dtype=np.uint8) * 255).save(outlined / "mask1.png")
    with pytest.raises(InputError, match=r"1\.png has another outline than when other rows"):
        run_plan(plan, tmp_path / "run")
    run_plan(replace(plan, methods=("rise:samples=4",)), tmp_path / "after")
    with pytest.raises(InputError, match=r"1\.png has another outline than"):
        Results.read([tmp_path / "copy", tmp_path / "after"])


def test_a_photo_that_is_replaced_is_noticed_by_another_classifier(data, tmp_path) -> None:
    names = ("tests.toys:classifier", "tests.toys:grey", "tests.toys:corner")
    plan = make_plan(data, classifiers=names[:2], shard=2, limit=2, **CHEAP)
    folder = shutil.copytree(data, tmp_path / data.name)
    run_plan(plan, tmp_path / "run")
    Image.new("RGB", (40, 30), "red").save(folder / "0.png")
    other = replace(plan, data=str(folder), classifiers=names[2:])
    run_plan(other, tmp_path / "after")
    with pytest.raises(InputError, match=r"0\.png has other pixels than when other rows"):
        Results.read([tmp_path / "run", tmp_path / "after"])
    run_plan(replace(other, data=str(data)), tmp_path / "same")
    assert len(Results.read([tmp_path / "run", tmp_path / "same"]).configurations) == 3


def test_a_photo_that_is_replaced_between_classifiers_of_a_run_is_noticed(data, tmp_path) -> None:
    folder = shutil.copytree(data, tmp_path / "data")
    names = ("tests.toys:classifier", "tests.toys:grey", "tests.toys:corner")
    plan = make_plan(folder, classifiers=names, shard=2, limit=2, **CHEAP)
    run_plan(plan, tmp_path / "run")
    missing = tmp_path / "run/rows/0002-000000.parquet"
    missing.unlink()
    Image.new("RGB", (40, 30), "red").save(folder / "0.png")
    with pytest.raises(InputError, match=r"0\.png has other pixels than when other rows"):
        run_plan(plan, tmp_path / "run")
    assert not missing.exists()


def test_names_of_classes_that_changed_are_noticed(tmp_path) -> None:
    for name in ("1", "2"):
        (tmp_path / "val2017").mkdir(exist_ok=True)
        Image.new("RGB", (30, 30), "red").save(tmp_path / "val2017" / f"{name}.png")
    (tmp_path / "annotations").mkdir()

    def annotate(*names):
        photos = [{"id": i, "file_name": f"{i}.png", "height": 30, "width": 30} for i in (1, 2)]
        boxes = [{"image_id": i, "category_id": i, "bbox": [0, 0, 9, 9]} for i in (1, 2)]
        categories = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
        content = {"images": photos, "annotations": boxes, "categories": categories}
        (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(content))

    annotate("cat", "dog")
    Run.begin(make_plan(tmp_path), tmp_path / "run")
    annotate("dog", "cat")
    with pytest.raises(InputError, match="a run with other classes"):
        Run.begin(make_plan(tmp_path), tmp_path / "run")


def test_other_weights_are_noticed_by_a_command_that_computes_nothing(
    data, tmp_path, change, capsys
) -> None:
    command = [
        "evaluate", "--data", str(data), "--classifier", SPEC, "--methods", "random", "--metrics",
        "gini", "--limit", "3", "--subset", "first", "--threads", "1", "--out",
        str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(command) == 0
    assert main(command) == 0
    change(shift=1.0)
    capsys.readouterr()
    assert main(command) == 2
    assert "a run of another classifier of the same name (other weights)" in capsys.readouterr().err
    change()
    assert main(command) == 0


@pytest.mark.parametrize(
    ("settings", "shift", "words"),
    [
        ({"seed": 7}, 0.0, r"other seeds \(0, 7\)"),
        ({"target": "top1"}, 0.0, r"other targets \(label, top1\)"),
        ({"budget": "fast"}, 0.0, r"other budgets \(own, fast\)"),
        ({}, 1.0, "a classifier of the same name with other weights"),
    ],
)
def test_rows_of_one_configuration_on_other_photos_are_merged_if_all_else_is_equal(
    data, tmp_path, change, settings, shift, words
) -> None:
    plan = make_plan(data, classifiers=(SPEC,), shard=2, classes="0-1", **CHEAP)
    run_plan(plan, tmp_path / "first")
    run_plan(replace(plan, classes="2"), tmp_path / "same")
    change(shift=shift)
    run_plan(replace(plan, classes="2", **settings), tmp_path / "other")
    results = Results.read([tmp_path / "first", tmp_path / "same"])
    (configuration,) = results.configurations
    assert results.mean(configuration, "gini").photos > 3
    with pytest.raises(InputError, match=f"have rows of random, but {words}; report them separat"):
        Results.read([tmp_path / "first", tmp_path / "other"])


def test_other_methods_may_have_another_budget(data, tmp_path, change) -> None:
    plan = make_plan(data, classifiers=(SPEC,), shard=2, limit=3, **CHEAP)
    run_plan(plan, tmp_path / "first")
    run_plan(replace(plan, methods=("box",), budget="fast"), tmp_path / "other")
    assert len(Results.read([tmp_path / "first", tmp_path / "other"]).configurations) == 2


def test_seconds_of_merged_rows_are_those_of_all_photos(data, tmp_path, change) -> None:
    plan = make_plan(data, classifiers=(SPEC,), shard=2, **CHEAP)
    for folder, classes, seconds in (("a", "0-1", 3.0), ("b", "2", 5.0)):
        run_plan(replace(plan, classes=classes), tmp_path / folder)
        store = Store(tmp_path / folder)
        for path in sorted((tmp_path / folder / "rows").iterdir()):
            shard, rows = int(path.stem.split("-")[1]), list(read_rows(path))
            store.write(0, shard, rows, {}, seconds * len(rows))
    first, second, both = (
        Results.read([tmp_path / name for name in names]) for names in ("a", "b", "ab")
    )
    (configuration,) = both.configurations
    counts = [len(results.values(configuration, "gini")) for results in (first, second)]
    expected = np.average(
        [results.seconds[configuration] for results in (first, second)], weights=counts
    )
    assert both.seconds[configuration] == pytest.approx(expected)
