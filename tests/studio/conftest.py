"""A photo for the toy classifier of the studio's tests."""

import numpy as np
import pytest
from PIL import Image

TOY = "factory:tests.toys:corner"


@pytest.fixture
def photo(tmp_path):
    """A photo that is bright in the upper left, which is what the toy classifier sees."""
    pixels = np.full((48, 48, 3), 60, np.uint8)
    pixels[:24, :24] = 220
    Image.fromarray(pixels).save(tmp_path / "corner.png")
    return tmp_path / "corner.png"
