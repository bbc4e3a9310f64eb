"""A labelled data set, a plan for it and the rows of an uninterrupted run."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.colours import write
from tests.evaluation.runs import make_plan, run_plan


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Ten photos with boxes; 3.png is broken, 6.png has no class."""
    path = tmp_path_factory.mktemp("photos")
    g, entries = np.random.default_rng(0), []
    for number in range(10):
        name = f"{number}.png"
        Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(path / name)
        entries.append({"file": name, "index": number % 5, "boxes": [[10, 8, 30, 24]]})
    (path / "3.png").write_bytes(b"broken")
    entries[6].pop("index")
    (path / "annotations.json").write_text(json.dumps(entries))
    return path


@pytest.fixture(scope="session")
def uninterrupted(data, tmp_path_factory):
    """Rows of the whole plan."""
    return run_plan(make_plan(data), tmp_path_factory.mktemp("run") / "whole")


@pytest.fixture
def mixed(tmp_path):
    """Of twelve photos 2 and 7 have wrong labels, 4 is broken, 9 has no class."""
    answers = [0, 1, 2, 0, None, 2, 0, 1, 2, 0, 1, 2]
    targets = [0, 1, 0, 0, 1, 2, 0, 2, 2, None, 1, 2]
    return write(tmp_path / "photos", answers, targets)
