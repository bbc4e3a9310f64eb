"""The page on other tasks: each map is highest on the planted square that decides."""

import pytest
from torch import Tensor

from tests.docs import running, tasks
from tests.docs.conftest import SMALLER
from tests.docs.pages import blocks
from tests.evaluation.runs import ROOT

PAGE = ROOT / "docs" / "tasks.md"
LOSSLESS = {".jpg": ".png", "112:": "16:"}


def mean_inside(saliency: Tensor, square: tuple[slice, slice]) -> float:
    return float(saliency[0][square].mean())


@pytest.fixture
def results(tmp_path, monkeypatch, names_of_a_reader) -> dict:
    monkeypatch.chdir(tmp_path)
    tasks.write_photos(tmp_path)
    names = {**names_of_a_reader, **tasks.names()}
    assert running.run(PAGE, names, SMALLER | LOSSLESS) == len(blocks(PAGE, "python"))
    return names


def test_maps_find_what_the_score_depends_on(results) -> None:
    squares = {"left": tasks.LEFT, "right": tasks.RIGHT, "corner": tasks.CORNER}
    for name, decisive in (
        ("region_map", "left"), ("similarity_map", "corner"),
        ("frame_map", "right"), ("clip_map", "right"),
    ):  # fmt: skip
        means = {key: mean_inside(results[name].saliency, s) for key, s in squares.items()}
        assert max(means, key=means.get) == decisive, (name, means)
