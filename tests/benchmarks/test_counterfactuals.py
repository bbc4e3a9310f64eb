"""benchmarks/counterfactuals.py at a tiny size."""

import csv
import json
import runpy
import sys

from tests.evaluation.runs import ROOT
from unsee import Study, load
from unsee.studio.samples import PHOTOS


def test_page_counts_photos_and_is_made_again_from_its_rows(tmp_path, monkeypatch) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    entries = []
    for name in ("chelsea", "panda"):  # only the second one is answered rightly
        path = PHOTOS / f"{name}.jpg"
        (photos / path.name).write_bytes(path.read_bytes())
        answer = int(Study.of(load(), path, "random").score.targets[0])
        entries.append({"file": path.name, "index": answer if name == "panda" else 0})
    (photos / "annotations.json").write_text(json.dumps(entries))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    words = [
        "counterfactuals.py", "--data", str(photos), "--out", str(tmp_path / "page"), "--budget",
        "40", "--samples", "1", "--picture-infiller", "blur", "--method", "rise", "--photos", "2",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    pages = []
    for _ in range(2):
        runpy.run_path(str(ROOT / "benchmarks/counterfactuals.py"), run_name="__main__")
        pages.append((tmp_path / "page/README.md").read_text())
    assert pages[0] == pages[1]
    assert "1 random photos" in pages[0]
    assert "nan" not in pages[0]
    with (tmp_path / "page/rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row["answer"] for row in rows if row["photo"] == "panda.jpg"} == {"giant panda"}
    assert all(0 < float(row["share"]) <= 0.61 for row in rows)
