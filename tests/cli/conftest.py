"""A photo and a small classifier for the commands."""

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Convolutional, toy

MODEL = "tests.cli.conftest:tiny"
QUICK = ["--classifier", MODEL, "--method", "rise:samples=70"]


def tiny():
    """Return a classifier for 32 x 32 pixels."""
    return toy(Convolutional())


def errors_of(text: str) -> list[str]:
    """Return the lines of the error stream but for notes: the network has little evidence."""
    return [line for line in text.splitlines() if "no evidence found for" not in line]


@pytest.fixture
def photo(tmp_path):
    g = np.random.default_rng(0)
    path = tmp_path / "in" / "dog.png"
    path.parent.mkdir()
    Image.fromarray(g.integers(0, 255, (60, 90, 3), np.uint8)).save(path)
    return path
