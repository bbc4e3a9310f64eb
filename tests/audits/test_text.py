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


@pytest.mark.skipif(not importlib.util.find_spec(text.PACKAGE), reason="RapidOCR is not installed")
def test_textures_are_no_text() -> None:
    """Stripes like ribs have the outlines of text, but no letters."""
    rows = torch.arange(224)[:, None].float()
    ribs = 0.5 + 0.3 * torch.sin((rows + 0.3 * torch.arange(224)) / 3)
    lungs = torch.full((224, 224), 0.6)
    lungs[40:180, 30:95] = ribs[40:180, 30:95]
    lungs[40:180, 130:195] = ribs[40:180, 130:195]
    image = lungs.expand(1, 3, -1, -1).clone()
    detect = text.TextDetector()
    outlines, _ = detect._detect(
        (image[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8), use_det=True, use_cls=False,
        use_rec=False,
    )  # fmt: skip
    assert outlines is not None  # the detector alone takes them for text
    assert not detect(image).any()
