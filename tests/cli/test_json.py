"""`--json`: one document on standard output, in place of all text."""

import json
import math

import pytest

from tests.cli.conftest import MODEL, QUICK
from tests.training.conftest import colours  # noqa: F401
from tests.training.small import TOY
from unsee.cli import COMMANDS, console, main
from unsee.cli.train import NETWORKS

EXPLAIN = {"photo", "result", "target", "evidence", "probability", "area", "variation", "seconds",
           "note"}  # fmt: skip
MEASURED = {"deletion", "insertion", "area", "seconds", "forwards", "backwards", "error"}
SIMILARITY = {"spearman", "ssim", "hog"}


@pytest.fixture
def document(capsys):
    """Return a function that runs a command with `--json` and returns what it printed, parsed."""

    def run(*words: object, status: int = 0):
        assert main([*map(str, words), "--json"]) == status
        text = capsys.readouterr().out
        return json.loads(text, parse_constant=pytest.fail)

    return run


@pytest.fixture
def data(photo, tmp_path):
    """Six photos of the first two classes."""
    for number in range(6):
        copy = tmp_path / "data" / str(number % 2) / f"{number}.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(photo.read_bytes())
    return tmp_path / "data"


@pytest.mark.parametrize(
    "command",
    [*(name for name in COMMANDS if name != "train"), *(f"train {name}" for name in NETWORKS)],
)
def test_every_command_has_the_option(command, capsys) -> None:
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert "--json " in text
    assert "no-json" not in text


def test_explain(photo, document, tmp_path) -> None:
    content = document("explain", photo, *QUICK, "--repeats", 2, "--out", tmp_path / "out")
    (row,) = content["photos"]
    assert set(row) == EXPLAIN
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert row["photo"] == str(photo)
    assert content["results"] == [row["result"]] == [str(tmp_path / "out" / "dog")]
    assert row["target"] == manifest["target"]
    assert row["probability"] == pytest.approx(manifest["probability"], abs=1e-6)
    assert row["probability"] != manifest["probability"]  # which is rounded
    assert row["evidence"]["share"] == pytest.approx(manifest["evidence"]["share"], abs=1e-6)


def test_photos_that_fail_leave_an_empty_list(photo, document, tmp_path) -> None:
    photo.write_bytes(b"no picture")
    assert document("explain", photo, *QUICK, "--out", tmp_path / "out", status=1) == {"photos": []}


def test_misuse_prints_no_document(photo, capsys) -> None:
    assert main(["explain", str(photo), "--method", "ryse", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "did you mean" in printed.err


def test_compare(photo, document, tmp_path) -> None:
    out = tmp_path / "out"
    words = ["compare", photo, "--classifier", MODEL, "--out", out, "--methods", "random"]
    content = document(*words, "variational:weights=none.pth", status=1)
    random, failed = content["rows"]
    assert set(random) == {"method", *MEASURED}
    assert random["deletion"] == pytest.approx(float(f"{random['deletion']:.3f}"), abs=5e-4)
    assert random["error"] == ""
    assert failed["deletion"] is None
    assert failed["error"]
    assert content["results"] == [str(out)]


def test_sweep(photo, document, tmp_path) -> None:
    words = ["sweep", photo, *QUICK[:2], "--method", "rise", "--setting", "samples=60,70"]
    content = document(*words, "--seeds", 2, "--out", tmp_path / "out")
    assert len(content["rows"]) == 4
    assert set(content["rows"][0]) == {
        "value", "seed", *MEASURED, "stability", "stability_ssim", "stability_hog",
    }  # fmt: skip
    varied = [row["varied"] for row in content["similarities"]]
    assert varied == ["seed", "seed", "samples"]
    assert {"varied", "at", *SIMILARITY} == set(content["similarities"][0])


def test_counterfactual(photo, document, tmp_path, capsys) -> None:
    explained = document("explain", photo, *QUICK, "--out", tmp_path / "a")["photos"][0]
    other = (explained["target"]["index"] + 1) % 5
    words = ["counterfactual", photo, *QUICK, "--contrast", other, "--picture-infiller", "mean"]
    status = main([*map(str, words), "--samples", "1", "--out", str(tmp_path / "out"), "--json"])
    content = json.loads(capsys.readouterr().out)
    assert content["wanted"] == {"class": other, "name": str(other), "reached": status == 0}
    assert 0 < content["share"] <= 0.6
    (row,) = content["rows"]
    assert set(row) == {"sample", "answered_as_wanted", "p_wanted", "p_target", "misfit"}


def test_sanity(photo, document, tmp_path) -> None:
    content = document("sanity", photo, *QUICK, "--out", tmp_path / "out")
    assert set(content["rows"][0]) == {"layer", *SIMILARITY}
    assert content["rows"][0]["spearman"] == pytest.approx(1)


def test_sanity_labels(data, document, tmp_path) -> None:
    content = document(
        "sanity-labels", "--data", data, "--explained", 2, "--photos", 4, "--training.epochs", 1,
        "--methods", "random", "--out", tmp_path / "out",
    )  # fmt: skip
    assert {row["measure"] for row in content["rows"]} == SIMILARITY
    assert content["rows"][0]["pictures"] == 2
    assert content["rows"][0]["low"] is None  # two pictures have no interval


def test_evaluate_and_report(data, document, tmp_path) -> None:
    run = tmp_path / "run"
    words = ["evaluate", "--data", data, "--classifier", MODEL, "--methods", "random", "box"]
    content = document(*words, "--metrics", "deletion", "scatter", "--limit", 2, "--out", run)
    assert content == {
        "runs": [
            {"run": str(run), "rows": 4, "photos": 2, "combinations": 2, "errors": {}},
        ]
    }
    content = document("report", run, "--out", tmp_path / "report")
    assert len(content["rows"]) == 4
    first = content["rows"][0]
    assert (first["method"], first["metric"], first["photos"]) == ("random", "deletion", 2)
    assert math.isfinite(first["mean"])
    assert first["low"] is None
    assert len(content["conclusions"]) == 1
    assert content["results"] == [str(tmp_path / "report" / "report.html")]


def test_evaluate_infill(data, document, tmp_path) -> None:
    content = document(
        "evaluate-infill", "--data", data, "--classifier", MODEL, "--recognition-classifier",
        MODEL, "--infillers", "grey", "blur", "--tasks", "cells", "everything", "--limit", 2,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert {row["task"] for row in content["rows"]} == {"cells", "everything"}
    assert {row["infiller"] for row in content["rows"]} == {"photo", "grey", "blur"}
    assert set(content["rows"][0]) == {
        "task", "infiller", "measurement", "mean", "low", "high", "photos",
    }  # fmt: skip


def test_train(colours, document, tmp_path) -> None:
    content = document(
        "train", "casm", "--data", colours, "--classifier", TOY, "--steps", 1, "--batch", 2,
        "--stored-size", 32, "--workers", 0, "--out", tmp_path / "run",
    )  # fmt: skip
    assert content == {"step": 1, "steps": 1, "results": [str(tmp_path / "run")]}


def test_bench(document) -> None:
    content = document(
        "bench", "--classifier", "tests.toys:classifier", "--methods", "random", "--budget", 8,
        "--chunks", 1, "--rounds", 1, "--batch", 1, "--seconds", 0.001,
    )  # fmt: skip
    assert set(content) == {"estimated_seconds", "network", "methods"}
    assert set(content["network"][0]) == {
        "precision", "memory_format", "chunk", "forward_ms", "forward_backward_ms",
    }  # fmt: skip
    assert content["methods"][0]["method"] == "random"


def test_list_is_a_list(document) -> None:
    assert document("list", "cells")[0].keys() == {"name", "summary"}


def test_numbers_that_are_not_finite_are_null() -> None:
    document = console.Document(content={})
    document.add({"a": [math.nan], "b": (1.0, -math.inf), "c": {"d": "µ"}})
    document.add({"a": [2]})
    text = document.text()
    assert text.isascii()
    assert json.loads(text) == {"a": [None, 2], "b": [1.0, None], "c": {"d": "µ"}}


def test_the_next_command_prints_text_again(capsys) -> None:
    assert main(["list", "cells", "--json"]) == 0
    capsys.readouterr()
    assert main(["list", "cells"]) == 0
    assert not capsys.readouterr().out.startswith("[")
