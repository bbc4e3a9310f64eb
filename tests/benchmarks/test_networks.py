"""benchmarks/networks.py with a training of one step and a table of one photo."""

import argparse
import json
import runpy

from tests.evaluation.runs import ROOT
from unsee.cli import main
from unsee.studio.samples import PHOTOS

PLAN = {
    "common": {"batch": 2, "workers": 0, "stored_size": 32, "size": 32, "held_out": 1, "steps": 1},
    "variational": {"reads": "image", "side": "none", "widths": "8", "nugget": 0.5},
    "trainings": {
        "published": {"kind": "variational", "prior": 1.0, "uniform_shares": False},
        "missing": {"kind": "variational", "prior": 0.0, "uniform_shares": False},
    },
    "tables": {
        "prior": {
            "methods": ["published", "missing", "random"],
            "metrics": ["total_variation"],
            "target": "top1",
            "claims": [
                {"better": "published", "worse": "random", "source": "this project",
                 "metrics": ["total_variation"]},
                {"better": "published", "worse": "missing", "source": "this project"},
            ],
        }
    },
}  # fmt: skip


def test_networks_are_trained_once_and_rated(tmp_path, monkeypatch) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ["chelsea.jpg", "panda.jpg", "coffee.jpg", "rocket.jpg"]
    for name in names:
        (photos / name).write_bytes((PHOTOS / name).read_bytes())
    (photos / "annotations.json").write_text(json.dumps([{"file": n, "index": 1} for n in names]))
    script = runpy.run_path(str(ROOT / "benchmarks/networks.py"))
    calls = []

    def in_process(*words, accepted=(0,)):
        calls.append(words[0])
        assert main(list(words)) in accepted

    monkeypatch.setitem(script["train"].__globals__, "unsee", in_process)
    options = argparse.Namespace(out=tmp_path / "out", data=[photos], only=["published"], threads=0)
    for _ in range(2):
        script["train"](options, PLAN)
    assert calls == ["train"]
    options.only = None
    script["evaluate"](options, PLAN)
    report = (tmp_path / "out/tables/prior/all-report/report.md").read_text()
    assert "| published | 4 |" in report
    assert "published > random" in report
    assert "missing" not in report
