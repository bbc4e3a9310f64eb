"""benchmarks/sanity.py at a tiny size."""

import runpy
import sys

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.runs import ROOT
from unsee.cli import main


@pytest.fixture
def photos(tmp_path):
    """Return a folder of twelve pictures of two classes: a bright half at the left or right."""
    generator = np.random.default_rng(0)
    for number in range(12):
        pixels = generator.integers(0, 60, (32, 32)).astype(np.uint8)
        left = number % 2 * 16
        pixels[:, left : left + 16] += 150
        folder = tmp_path / "photos" / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


def test_page_has_both_tests_and_computes_each_method_once(photos, tmp_path, monkeypatch) -> None:
    data, out = f"image_folder:{photos}", tmp_path / "page"
    labels = [
        "sanity-labels", "--data", data, "--photos", "6", "--explained", "6", "--methods",
        "gradient", "box", "--training.epochs", "2", "--out", str(tmp_path / "labels"),
    ]  # fmt: skip
    assert main(labels) == 0
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    words = [
        "sanity.py", "--data", data, "--labels", str(tmp_path / "labels"), "--photos", "5",
        "--layers", "1", "--budget", "20", "--classifier", "tests.toys:classifier", "--out",
        str(out), "--methods",
    ]  # fmt: skip
    for methods in (["gradient", "random"], ["gradient", "random", "box"]):
        monkeypatch.setattr(sys, "argv", [*words, *methods])
        runpy.run_path(str(ROOT / "benchmarks/sanity.py"), run_name="__main__")
        rows = (out / "weights.csv").read_text().splitlines()
        assert len(rows) == 1 + len(methods) * 5 * 2
    page = (out / "README.md").read_text()
    assert "| box | 1.000 [1.000, 1.000] |" in page
    assert "| random | 1.000 [1.000, 1.000] |" in page
    assert "**1 of 3 methods pass**" in page
    assert "accuracy on what they learned" in page
    assert "nan" not in page
    assert {path.name for path in out.iterdir()} == {
        "README.md", "weights.csv", "weights.png", "labels.png",
    }  # fmt: skip
