"""Figures in notebooks."""

import io
import pickle
import subprocess
import sys

from PIL import Image

from unsee.images.figure import Figure


def test_a_notebook_gets_a_picture_without_pyplot() -> None:
    code = """
import io, sys, torch
from PIL import Image
from unsee.images.drawing import overview
figure = overview(torch.rand(2, 3, 8, 8), torch.rand(2, 8, 8), ["a", "b"])
assert "matplotlib.pyplot" not in sys.modules
picture = Image.open(io.BytesIO(figure._repr_png_()))
print(picture.format, *picture.size)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    kind, width, height = result.stdout.split()
    assert kind == "PNG"
    assert int(width) > 200 < int(height)


def test_figures_can_be_pickled() -> None:
    figure = pickle.loads(pickle.dumps(Figure((2, 1))))
    with Image.open(io.BytesIO(figure._repr_png_())) as picture:
        assert picture.size == (180, 90)
