"""Reports on names that others wrote: nothing in them is markup."""

import csv
import json

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.texmanager import TexManager
from PIL import Image

from tests.output.test_escaping import HOSTILE
from unsee.cli import main
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.reports import bootstrap

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Intervals are of no interest here."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)


@pytest.fixture(autouse=True)
def tex_by_default(monkeypatch):
    """The user has set `text.usetex`, and LaTeX must not be started all the same."""

    def refuse(*_arguments, **_settings):
        raise AssertionError("LaTeX was started")

    monkeypatch.setattr(TexManager, "make_dvi", refuse)
    monkeypatch.setitem(mpl.rcParams, "text.usetex", True)


def test_reports_show_hostile_names_as_they_are(write_run, tmp_path, capsys) -> None:
    names = [f"m {text}" for text in HOSTILE[:7]] + ["[x", "=cmd", "$y$"]
    write_run("run", methods=names, metrics=("deletion",), photos=6)
    path = tmp_path / "run" / "run.json"
    manifest = json.loads(path.read_text())
    manifest["table"] = {"summary": f"{SCRIPT} $a$", "names": [{"method": "$y$", "label": SCRIPT}]}
    manifest["settings"]["data"] = f"{SCRIPT}$|`\x1b"
    path.write_text(json.dumps(manifest))
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "[x" in printed.out
    texts = {p.suffix: p.read_text("utf-8") for p in (tmp_path / "report").glob("report.*")}
    assert all("\x1b" not in text for text in texts.values())
    assert SCRIPT not in texts[".html"]
    assert SCRIPT not in texts[".md"].replace("\\<", "")
    assert r"m \$\textbackslash{}frac\{\$" in texts[".tex"]
    assert "\n[x" not in texts[".tex"]
    with (tmp_path / "report" / "report.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} >= {"'=cmd", "[x", "$y$"}
    assert all(float(row["mean"]) for row in rows)
    lines = [line for line in texts[".md"].splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in lines[: len(names)]}) == 1


def brackets():
    """Make a network whose classes have names that look like markup."""
    from dataclasses import replace

    from tests.toys import classifier

    return replace(classifier(), labels=("[/b]", "$\\frac$", "a|b", "\x1b[31m", SCRIPT))


def test_pictures_of_hostile_classes_and_photos_are_drawn(tmp_path, capsys) -> None:
    photos, g = tmp_path / "photos", np.random.default_rng(0)
    photos.mkdir()
    names = ["$x$.png", "[b].png", "=1.png"]
    for name in names:
        Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(photos / name)
    entries = [{"file": name, "index": number} for number, name in enumerate(names)]
    (photos / "annotations.json").write_text(json.dumps(entries))
    plan = Plan(
        data=str(photos), save_maps=True, methods=("random",), metrics=("gini",),
        classifiers=(f"{__name__}:brackets",),
    )  # fmt: skip
    for _ in Run.begin(plan, tmp_path / "run", threads=1).local():
        pass
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 0
    assert (tmp_path / "report" / "maps.png").exists()
