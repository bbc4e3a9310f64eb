"""Saved maps in a report."""

import json

import numpy as np
import pytest
from PIL import Image

from unsee.cli import main
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.reports.gallery import examples


@pytest.fixture
def run(tmp_path):
    """Compute a run with saved maps on four photos of class 1, the first of them broken."""
    photos, g = tmp_path / "photos", np.random.default_rng(0)
    photos.mkdir()
    for number in range(4):
        image = g.integers(0, 255, (30, 40, 3), np.uint8)
        Image.fromarray(image).save(photos / f"{number}.png")
    (photos / "0.png").write_bytes(b"broken")
    entries = [{"file": f"{number}.png", "index": 1} for number in range(4)]
    (photos / "annotations.json").write_text(json.dumps(entries))

    def compute(name, **settings):
        defaults = {"metrics": ("gini",), "shard": 2, "classifiers": ("tests.toys:classifier",)}
        plan = Plan(**{"data": str(photos), "save_maps": True, **defaults, **settings})
        for _ in Run.begin(plan, tmp_path / name, threads=1).local():
            pass
        return tmp_path / name

    return compute


def test_report_shows_saved_maps_with_their_classes(run, tmp_path) -> None:
    folder = run("run", methods=("random", "box"))
    shown = examples([folder])
    assert [example.id for example in shown] == ["1.png", "2.png", "3.png"]
    assert {example.explained_class for example in shown} == {"1"}
    (_, box) = shown[0].maps
    assert box.method == "box"
    assert shown[0].maps[box][12, 12] > shown[0].maps[box][0, 0]
    assert main(["report", str(folder), "--out", str(tmp_path / "report")]) == 0
    assert "<h2>Photos and their maps</h2>" in (tmp_path / "report" / "report.html").read_text()
    assert "![Photos and their maps](maps.png)" in (tmp_path / "report" / "report.md").read_text()
    assert (tmp_path / "report" / "maps.png").exists()


def test_predicted_class_is_shown_for_top1(run) -> None:
    shown = examples([run("run", methods=("box",), target="top1")])
    assert all(example.explained_class in set("01234") for example in shown)


def test_maps_are_those_of_the_first_classifier(run) -> None:
    classifiers = ("tests.toys:classifier", "tests.toys:corner")
    shown = examples([run("run", methods=("box",), classifiers=classifiers)])
    assert {c.classifier for example in shown for c in example.maps} == {classifiers[0]}


def test_run_without_maps_has_no_examples(run) -> None:
    assert examples([run("run", methods=("random",), save_maps=False)]) == []


def test_report_loads_no_classifier(run, tmp_path, monkeypatch) -> None:
    folder = run("run", methods=("box",))
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('evil-was-run').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    manifest = json.loads((folder / "run.json").read_text())
    manifest["settings"]["classifiers"] = ["evil:load"]
    (folder / "run.json").write_text(json.dumps(manifest))
    assert main(["report", str(folder), "--out", str(tmp_path / "report")]) == 0
    assert not (tmp_path / "evil-was-run").exists()


def test_run_without_the_view_of_its_classifier_has_no_examples(run) -> None:
    folder = run("run", methods=("box",))
    (folder / "classifier-0.json").unlink()
    assert examples([folder]) == []


@pytest.mark.parametrize("data", ["user/photos", "hugging_face:user/photos", "https://a.org/b"])
def test_photos_that_a_run_names_are_never_downloaded(run, monkeypatch, data) -> None:
    folder = run("run", methods=("random",))
    manifest = json.loads((folder / "run.json").read_text())
    manifest["settings"]["data"] = data
    (folder / "run.json").write_text(json.dumps(manifest))

    def no_network(*_arguments, **_settings):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    assert examples([folder]) == []
