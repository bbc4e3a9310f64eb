"""benchmarks/xray_study.py at a tiny size."""

import runpy
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.evaluation.runs import ROOT


def test_text_is_found_cleaned_and_rated(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    for number in range(15):
        kind = ("Covid-19", "No_findings", "Pneumonia")[number % 3]
        pixels = np.random.default_rng(number).integers(60, 90, (256, 256), np.uint8)
        pixels[:, :: 3 + number % 3] += 60
        cv2.putText(pixels, "PORTABLE", (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 250, 2)
        folder = tmp_path / "xrays" / kind
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number:04}_0.jpg")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    words = [
        "xray_study.py", "--data", str(tmp_path / "xrays"), "--out", str(tmp_path / "page"),
        "--work", str(tmp_path / "work"), "--maps", "1",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr("unsee.study.Study.finish", _quick)
    runpy.run_path(str(ROOT / "benchmarks/xray_study.py"), run_name="__main__")
    page = (tmp_path / "page/README.md").read_text()
    assert "Covid-19 5 (text in 100 %)" in page
    assert page.count("| text in-filled by") == 2
    assert "nan" not in page
    text = np.load(tmp_path / "work/text.npy")
    assert text[:, 20:50, 30:150].mean() > 0.2
    painted = np.load(tmp_path / "work/painted.npy")
    assert painted[text].max() < 250
    assert (tmp_path / "page/examples.png").stat().st_size > 5000


def _quick(study):
    """End a study after its first step: the maps take most of the time."""
    next(study.steps())
    return study.stop()
