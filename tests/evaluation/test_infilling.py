import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import chelsea, coffee

from tests.conftest import Convolutional, toy
from unsee import InputError, Study, create, load
from unsee.cli import main
from unsee.datasets.base import Sample
from unsee.evaluation import infilling
from unsee.evaluation.infilling import Problem, QualityModels


@pytest.fixture
def sample():
    photo = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[5.0, 5.0, 20.0, 20.0]])
    return Sample("one", lambda channels: photo, 2, boxes)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    for name, picture in (("cat.png", chelsea()), ("cup.png", coffee())):
        Image.fromarray(picture).save(path / name)
    (path / "bad.png").write_bytes(b"")
    entries = [
        {"file": "cat.png", "index": 285, "boxes": [[100, 20, 320, 280]]},
        {"file": "cup.png", "index": 967, "boxes": [[160, 60, 460, 330]]},
        {"file": "bad.png", "index": 1},
    ]
    (path / "annotations.json").write_text(json.dumps(entries))
    return path


def test_holes_are_cells_boxes_or_backgrounds(sample) -> None:
    network = toy(Convolutional(), size=40)
    network.framing = type(network.framing)((40, 40), "resize")
    tasks = ("cells", "object", "background", "everything")
    problems = infilling.problems(iter([sample]), network, tasks, grid=8)
    problem_of = {problem.task: problem for problem in problems}
    missing = 1 - problem_of["object"].keep[0, 0]
    assert missing.sum() == 225
    assert missing[5:20, 5:20].all()
    assert torch.equal(problem_of["background"].keep, 1 - problem_of["object"].keep)
    assert not problem_of["everything"].keep.any()
    cells = problem_of["cells"].keep[0, 0]
    assert 0.25 < cells.mean() < 0.75
    assert torch.equal(cells, cells[::5, ::5].repeat_interleave(5, 0).repeat_interleave(5, 1))


def test_measurements_by_hand(sample) -> None:
    network = toy(Convolutional(), size=40)
    image = sample.read(3)[None]
    keep = torch.ones(1, 1, 40, 40)
    keep[..., :20] = 0
    problem = Problem("one", "cells", image, keep, 2)
    filled, seconds = infilling.infill(create("infillers", "grey"), problem, network)
    assert (filled[..., :20] == 0.4).all()
    assert torch.equal(filled[..., 20:], image[..., 20:])
    assert seconds > 0
    row = infilling.rate(problem, filled, QualityModels(network, network))
    p = network.logits(filled).softmax(1)[0]
    assert row["probability"] == pytest.approx(p[2].item(), abs=1e-5)
    assert row["recognised"] == float(p.argmax() == 2)
    assert row["l1"] == pytest.approx((image - 0.4).abs()[..., :20].mean().item(), abs=1e-5)
    assert row["missing"] == 0.5
    same = infilling.rate(problem, image, QualityModels(network, network))
    assert same["probability"] == pytest.approx(same["whole"], abs=1e-6)
    assert same["l1"] == 0


PHOTOS = ("cat.png", "cup.png")


def test_command_writes_tables_and_pictures(folder, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    arguments = [
        "evaluate-infill", "--data", str(folder), "--infillers", "grey", "blur",
        "--recognition-classifier", "efficientnet_lite0", "--out", str(out),
    ]  # fmt: skip
    assert main(arguments) == 1  # one photo is damaged
    output = capsys.readouterr()
    assert "bad.png" in output.err
    assert "is empty" in output.err
    assert "Traceback" not in output.err
    with (out / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 3
    p = {(r["photo"], r["task"], r["infiller"]): float(r["probability"]) for r in rows}
    assert p["cat.png", "object", "photo"] > 0.3
    assert p["cup.png", "object", "blur"] < p["cup.png", "object", "photo"] / 2
    text = (out / "table.md").read_text()
    assert "| blur |" in text
    assert "2 photos" in text
    assert "blur minus each other in-filler" in text
    less = {
        name: np.mean([p[photo, "cells", "blur"] - p[photo, "cells", name] for photo in PHOTOS])
        for name in ("photo", "grey")
    }
    section = text[text.index("blur minus") : text.index("## object")]
    for name, value in less.items():
        assert f"| {name} | {value:.3f} |" in section
    for task in ("cells", "object", "background"):
        with Image.open(out / f"{task}.png") as picture:
            assert picture.size[0] > 400
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--infillers", "gray"], "did you mean 'grey'"),
        (["--share", "1.5"], "expected a share between 0 and 1, got 1.5"),
        (["--baseline", "gray"], "did you mean 'grey'"),
        (["--perceptual", "nowhere.pth"], "no such file"),
        (["--data", "nowhere"], "no such data set"),
        (["--infillers", "lama:nowhere.pt"], "no such file"),
    ],
)
def test_bad_input_is_reported_in_one_line(folder, tmp_path, capsys, more, words) -> None:
    base = ["evaluate-infill", "--data", str(folder), "--infillers", "grey"]
    base += ["--out", str(tmp_path / "o")]
    assert main([*base, *more]) in {1, 2}
    errors = capsys.readouterr().err
    assert words in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "o").exists()


def test_photo_without_a_class_is_reported(sample) -> None:
    network = toy(Convolutional(), size=40)
    unknown = Sample("two", sample.read)
    (problem,) = infilling.problems(iter([unknown]), network, ("cells",))
    assert problem == ("two", "two: the photo has no labelled class")


def test_class_that_the_classifier_lacks_is_refused(sample) -> None:
    network = toy(Convolutional(), size=40)
    far = Sample("far", sample.read, 5)
    problems = list(infilling.problems(iter([far]), network, ("cells",)))
    with pytest.raises(InputError, match=r"expected a class in 0..4, got class 5"):
        infilling.rate(problems[0], problems[0].image, QualityModels(network, network))


@pytest.mark.parametrize("subset", ["random", "stratified", "first"])
def test_limit_takes_the_photos_of_the_subset(folder, tmp_path, monkeypatch, subset) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        (folder / f"photo{number}.png").write_bytes((folder / "cat.png").read_bytes())
    entries = [{"file": f"photo{number}.png", "index": 285} for number in range(6)]
    (folder / "annotations.json").write_text(json.dumps(entries))
    words = ["--data", str(folder), "--infillers", "grey", "--tasks", "cells", "--limit", "3"]
    main(["evaluate-infill", *words, "--subset", subset, "--seed", "2", "--out", subset])
    with (tmp_path / subset / "rows.csv").open() as file:
        chosen = {row["photo"] for row in csv.DictReader(file)}
    assert len(chosen) == 3
    assert (chosen == {"photo0.png", "photo1.png", "photo2.png"}) == (subset == "first")


def test_only_recognised_photos_are_taken_on_demand(folder, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (folder / "other.png").write_bytes((folder / "cat.png").read_bytes())
    answer = int(Study.of(load(), folder / "cat.png", "random").score.targets[0])
    entries = [
        {"file": "cat.png", "index": answer}, {"file": "other.png", "index": (answer + 1) % 1000},
    ]  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(entries))
    words = ["--data", str(folder), "--infillers", "grey", "--tasks", "cells", "--correct"]
    assert main(["evaluate-infill", *words, "--limit", "2", "--out", "right"]) == 0
    assert "1 of 2 photos are answered rightly by efficientnet_lite0" in capsys.readouterr().err
    with (tmp_path / "right" / "rows.csv").open() as file:
        assert {row["photo"] for row in csv.DictReader(file)} == {"cat.png"}
    (folder / "annotations.json").write_text(json.dumps(entries[1:]))
    assert main(["evaluate-infill", *words, "--out", "none"]) == 2
    assert "answered rightly" in capsys.readouterr().err


def test_wholly_missing_photos_are_filled(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--data", str(folder), "--infillers", "blur", "noise", "patchmatch", "painter_small"]
    main(["evaluate-infill", *words, "--tasks", "everything", "--limit", "1", "--out", "all"])
    with (tmp_path / "all" / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["infiller"] for row in rows} == {"photo", *words[3:]}
    assert all(float(row["missing"]) == 1 for row in rows)
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
