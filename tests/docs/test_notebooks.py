"""Notebooks run from the first to the last cell, and are stored with their results."""

import json
import re
from pathlib import Path

import matplotlib
import pytest

from tests.evaluation.runs import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SMALL = {
    'BUDGET = "fast"': 'BUDGET = "12"', '1000, 12, "fast"': '40, 1, "12"',
    'LIMIT, BUDGET = 12, "fast"': 'LIMIT, BUDGET = 2, "12"', "samples=300": "samples=12",
    "steps=40,samples=4": "steps=2,samples=1", "samples=200": "samples=60", "steps=74": "steps=2",
    "frames=16": "frames=2",
}  # fmt: skip
"""What makes the notebooks fast."""


def cells(path: Path, kind: str) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    names: dict[str, object] = {}
    changed = 0
    for number, cell in enumerate(cells(path, "code")):
        text = "".join(cell["source"])
        for written, other in SMALL.items():
            changed += written in text
            text = text.replace(written, other)
        exec(compile(text, f"{path.name}, cell {number}", "exec"), names)
    assert changed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_as_it_ran(path) -> None:
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert any("image/jpeg" in output.get("data", {}) for output in outputs)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:work|home|root|tmp|Users)/", text)
    assert len(text) < 1_000_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_notebooks_exist(path) -> None:
    texts = ["".join(cell["source"]) for cell in cells(path, "markdown")]
    targets = [t for text in texts for t in re.findall(r"\]\(([^)]+)\)", text)]
    assert targets
    assert [t for t in targets if not (FOLDER / t).exists()] == []
