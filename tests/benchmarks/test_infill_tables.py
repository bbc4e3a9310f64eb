"""The pages of in-fillers have the numbers of the rows beside them."""

import runpy
import sys

import pytest

from tests.evaluation.runs import ROOT

RESULTS = ROOT / "docs" / "results"


@pytest.mark.parametrize("name", ["fido-12", "g-methods-1"])
def test_tables_of_a_page_are_those_of_its_rows(name, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    words = ["infill_tables.py", str(RESULTS / name / "rows.csv")]
    monkeypatch.setattr(sys, "argv", [*words, "--baseline", "painter", "patchmatch"])
    runpy.run_path(str(ROOT / "benchmarks/infill_tables.py"), run_name="__main__")
    page = (RESULTS / name / "README.md").read_text(encoding="utf-8").splitlines()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(lines) > 15
    assert set(lines) <= set(page)
