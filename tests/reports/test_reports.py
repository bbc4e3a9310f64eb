"""Reports against means by hand."""

import csv
import re

import numpy as np
import pytest

from unsee import InputError
from unsee.cli import main
from unsee.evaluation.store import Store
from unsee.reports.figures import boxes
from unsee.reports.results import Report

METRICS = ["deletion", "insertion"]


def write(folder, methods=("fido", "rise"), metrics=METRICS, error=None, photos=20):
    """A run that never ran: deletion of fido is lower by about 0.1 on every photo."""
    g = np.random.default_rng(1)
    store = Store(folder)
    settings = {
        "data": "d", "classifiers": ["c"], "methods": list(methods), "infillers": ["own"],
        "metrics": list(metrics), "target": "label", "seed": 0, "budget": None,
        "metric_infiller": None,
        "precision": "float32",
    }  # fmt: skip
    store.begin({
        "settings": settings, "photos": photos, "threads": 1,
        "versions": {"unsee": "0", "torch": "0"},
    })  # fmt: skip
    level = g.uniform(0.2, 0.5, photos)
    for number, method in enumerate(methods):
        rows = []
        for i in range(photos):
            values = {
                "deletion": level[i] + 0.1 * number + g.normal(0, 0.01),
                "insertion": g.uniform(),
            }
            row = {"photo": str(i), "classifier": "c", "method": method, "infiller": "own"}
            row |= {"forwards": 10.0 * (number + 1), "backwards": 0.0, "error": error}
            rows.append(row | {key: None if error else values[key] for key in metrics})
        store.write(number, 0, rows, {}, seconds=2.0 * photos)
    return store.read()


def test_means_differences_and_cost_by_hand(tmp_path) -> None:
    rows = write(tmp_path / "run")
    report = Report.of([tmp_path / "run"])
    fido, rise = report.ways
    a, b = (np.array([r["deletion"] for r in rows if r["method"] == m]) for m in ("fido", "rise"))
    mean = report.mean(fido, "deletion")
    assert mean.value == pytest.approx(a.mean())
    half = 1.96 * a.std(ddof=1) / np.sqrt(20)
    assert mean.high - mean.value == pytest.approx(half, rel=0.15)
    found = report.difference(fido, rise, "deletion")
    assert found.mean.value == pytest.approx((b - a).mean())
    assert found.verdict == "better"
    assert found.wins == 1
    assert report.difference(rise, fido, "deletion").verdict == "worse"
    assert report.difference(fido, rise, "insertion").verdict == "not significant"
    assert report.passes(rise) == (20, 0)
    assert report.seconds[fido] == 2
    assert report.label(fido) == "fido"


def test_every_form_says_the_same(tmp_path, capsys) -> None:
    write(tmp_path / "run")
    out = tmp_path / "report"
    assert main(["report", str(tmp_path / "run"), "--out", str(out)]) == 0
    assert "fido" in capsys.readouterr().out
    report = Report.of([tmp_path / "run"])
    value = f"{report.mean(report.ways[0], 'deletion').value:.3f}"
    page = (out / "report.html").read_text()
    for name in ("report.html", "report.md", "report.tex"):
        assert value in (out / name).read_text(), name
    assert "deletion ↓" in page
    assert page.count("<table>") == 2
    assert 'src="data:image/png;base64,' in page
    assert not re.search(r'(src|href)="http', page)
    assert rf"\textbf{{{value}}}" in (out / "report.tex").read_text()
    with (out / "report.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4
    pair = report.difference(report.ways[0], report.ways[1], "deletion")
    assert lines[0]["difference"] == ""
    assert float(lines[2]["difference"]) == pytest.approx(pair.mean.value)
    assert (float(lines[2]["wins"]), float(lines[2]["seconds"])) == (1.0, 2.0)
    written = (out / "report.tex").read_text()
    assert written.count(r"\begin{tabular}") == 2
    assert r"100\%" in written
    assert float(lines[0]["mean"]) == pytest.approx(float(value), abs=5e-4)
    assert main(["report", str(tmp_path / "run"), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_figures_have_room_for_long_names(tmp_path) -> None:
    write(tmp_path / "run", methods=["casm:weights=" + "a/long/folder/" * 9 + "casm.safetensors"])
    figure = boxes(Report.of([tmp_path / "run"]))
    figure.savefig(tmp_path / "boxes.png")  # a warning, which fails the test, where there is none
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_window_extent().x0 >= 0


def test_two_numbers_for_one_photo_are_refused(tmp_path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    with pytest.raises(InputError, match="0 by fido is in another of these runs too"):
        Report.of([tmp_path / "a", tmp_path / "b"])


def test_several_runs_become_one_table(tmp_path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", methods=("tide",), metrics=["insertion"])
    report = Report.of([tmp_path / "a", tmp_path / "b"])
    assert [way[1] for way in report.ways] == ["fido", "rise", "tide"]
    assert report.metrics == ("insertion",)


def test_what_cannot_be_reported_is_said(tmp_path) -> None:
    with pytest.raises(InputError, match="no run"):
        Report.of([tmp_path])
    write(tmp_path / "bad", error="broken")
    with pytest.raises(InputError, match="no row without an error"):
        Report.of([tmp_path / "bad"])
    write(tmp_path / "a", metrics=["deletion"])
    write(tmp_path / "b", methods=("tide",), metrics=["insertion"])
    with pytest.raises(InputError, match="no metric in common"):
        Report.of([tmp_path / "a", tmp_path / "b"])
