"""benchmarks/perturbed.py at a tiny size."""

import json
import runpy
import sys

from tests.evaluation.runs import ROOT
from unsee.studio.samples import PHOTOS


def test_page_has_answers_walk_and_change(tmp_path, monkeypatch) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "chelsea.jpg").write_bytes((PHOTOS / "chelsea.jpg").read_bytes())
    entry = {"file": "chelsea.jpg", "index": 282, "boxes": [[60, 0, 200, 120]]}
    (photos / "annotations.json").write_text(json.dumps([entry]))
    monkeypatch.syspath_prepend(str(ROOT))
    words = [
        "perturbed.py", "--data", str(photos), "--out", str(tmp_path / "page"), "--photos", "1",
        "--samples", "6", "--boxes", "1", "--infillers", "grey", "blur",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(ROOT / "benchmarks/perturbed.py"), run_name="__main__")
    page = (tmp_path / "page/README.md").read_text()
    assert "| grey | " in page
    assert "lower with `blur`" in page
    assert "which is here: " in page
    assert {path.name for path in (tmp_path / "page").iterdir()} == {
        "README.md", "answers.png", "walk.png",
    }  # fmt: skip
