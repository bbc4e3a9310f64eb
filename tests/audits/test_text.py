"""Text on photos, found by an optional package."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from unsee import InputError
from unsee.audits import text
from unsee.cli import main


def test_missing_detector_is_named_before_anything_is_made(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(text, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="finding text needs RapidOCR: python -m pip install"):
        text.TextDetector()
    out = tmp_path / "out"
    assert main(["audit", str(tmp_path), "--text", "--out", str(out)]) == 2
    assert "RapidOCR" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(not importlib.util.find_spec(text.PACKAGE), reason="RapidOCR is not installed")
def test_letters_are_found_where_they_are() -> None:
    picture = Image.new("RGB", (224, 224), (120, 130, 120))
    font = ImageFont.load_default(18)
    ImageDraw.Draw(picture).text((20, 180), "PORTABLE 12:40", fill=(255, 255, 255), font=font)
    image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    marked = text.TextDetector()(image)
    assert marked[185:195, 30:120].float().mean() > 0.8
    assert not marked[:170].any()
    assert not text.TextDetector()(torch.full_like(image, 0.5)).any()
