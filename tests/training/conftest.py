"""Folders of photos to train on."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Photos of two classes in two folders: noise whose upper left quarter is bright or dark."""
    g = np.random.default_rng(0)
    for i in range(12):
        pixels = g.integers(60, 180, (24, 24, 3), np.uint8)
        pixels[:12, :12] += 70 if i % 2 else 0
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


@pytest.fixture
def colours(tmp_path):
    """Six photos of one colour with noise, of different sizes, and a broken file."""
    folder = tmp_path / "colours"
    folder.mkdir()
    g = np.random.default_rng(0)
    for i in range(6):
        colour = g.integers(0, 255, 3)
        picture = np.clip(colour + g.integers(-30, 30, (50, 60 + i, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i}.png")
    (folder / "broken.jpg").write_bytes(b"nothing")
    return folder


@pytest.fixture
def stripes(tmp_path):
    """Four photos of the same stripes, shifted."""
    folder = tmp_path / "stripes"
    folder.mkdir()
    pixels = np.tile(np.arange(40)[:, None, None] // 4 % 2 * 160 + 40, (1, 40, 3))
    for shift in range(4):
        Image.fromarray(np.roll(pixels, shift, 0).astype(np.uint8)).save(folder / f"{shift}.png")
    return folder
