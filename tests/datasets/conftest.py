"""Photos on disk."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def save(pixels: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def voc_xml(name: str) -> str:
    """An annotation of one object in a photo of 120 x 80 pixels."""
    return f"""<annotation><size><width>120</width><height>80</height><depth>3</depth></size>
<object><name>{name}</name><bndbox><xmin>20</xmin><ymin>16</ymin><xmax>60</xmax><ymax>48</ymax>
</bndbox></object></annotation>"""
