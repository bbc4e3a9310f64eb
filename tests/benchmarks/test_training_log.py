"""benchmarks/training_log.py with the log of a training of four steps."""

import csv
import runpy
import sys

from tests.evaluation.runs import ROOT
from tests.training import small
from tests.training.conftest import folder  # noqa: F401


def test_losses_of_a_training_are_collected_and_drawn(folder, tmp_path, monkeypatch) -> None:
    small.train("casm", folder, tmp_path / "run", steps=4, tracker=("tensorboard",))
    words = ["--runs", str(tmp_path / "run"), "--steps", "2", "--out", str(tmp_path / "losses")]
    monkeypatch.setattr(sys, "argv", ["training_log.py", *words])
    runpy.run_path(str(ROOT / "benchmarks" / "training_log.py"), run_name="__main__")
    with (tmp_path / "losses.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["step"]) for row in rows] == [("run", "2"), ("run", "4")]
    assert 0 <= float(rows[0]["area"]) <= 1
    assert (tmp_path / "losses.png").stat().st_size > 1000
