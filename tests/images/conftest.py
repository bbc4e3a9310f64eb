"""A small photo of noise, and how it becomes a file."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture():
    g = np.random.default_rng(0)
    return Image.fromarray(g.integers(0, 255, (20, 30, 3), np.uint8))


def write(picture, path, **settings):
    picture.save(path, **settings)
    return path
