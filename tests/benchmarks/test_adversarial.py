"""benchmarks/adversarial.py at a tiny size."""

import runpy
import sys

import numpy as np
from PIL import Image

from tests.datasets.test_attacked import SPEC
from tests.datasets.test_mosaics import PALETTE
from tests.evaluation.runs import ROOT


def test_page_is_written_and_its_runs_resume(tmp_path, monkeypatch, capsys) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(-30, 30, (20, 20, 3)) + PALETTE[number % 2]
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(photos / f"{number}.png")
    monkeypatch.syspath_prepend(str(ROOT))
    words = [
        "adversarial.py", "--data", str(photos), "--classifier", SPEC, "--trust", "--target",
        "yellow", "--epsilon", "160", "--method", "random", "--limit", "6",
        "--out", str(tmp_path / "page"), "--runs", str(tmp_path / "runs"),
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    for _ in range(2):
        runpy.run_path(str(ROOT / "benchmarks/adversarial.py"), run_name="__main__")
    page = (tmp_path / "page/README.md").read_text()
    assert "| mi_fgsm | " in page
    assert " of 6 |" in page
    assert "target yellow" in page
    assert "nan" not in page
    assert {path.name for path in (tmp_path / "page").iterdir()} == {
        "README.md", "examples.png", "roc.png",
    }  # fmt: skip
    assert capsys.readouterr().out.count("# Maps of adversarial examples") == 2
