"""Libraries below Pillow print nothing about a damaged photo."""

import io
import threading
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from unsee import InputError
from unsee.images import _quiet, reading


def damaged(compression: str) -> bytes:
    """A TIFF file of noise whose pixels are damaged."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", compression=compression)
    content = bytearray(file.getvalue())
    content[100:200] = bytes(100)
    return bytes(content)


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "tiff_lzw", "jpeg"])
def test_nothing_is_printed_about_a_damaged_photo(tmp_path, capfd, compression) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(damaged(compression))
    with suppress(InputError):  # a JPEG may have only other colours
        reading.read(path)
    with pytest.raises(InputError, match="PIL image cannot be read"):
        reading.from_array(Image.open(io.BytesIO(damaged("tiff_adobe_deflate"))))
    assert capfd.readouterr().err == ""


def test_overlapping_blocks_restore_what_was_set_before(monkeypatch) -> None:
    set_to = ["print"]

    def setter(handler):
        before = set_to[-1]
        set_to.append(handler)
        return before

    monkeypatch.setattr(_quiet, "_setters", lambda: [setter])
    first, second = _quiet.silenced(), _quiet.silenced()
    first.__enter__()
    thread = threading.Thread(target=second.__enter__)
    thread.start()
    thread.join()
    first.__exit__(None, None, None)
    assert set_to == ["print", None]
    second.__exit__(None, None, None)
    assert set_to == ["print", None, "print"]
