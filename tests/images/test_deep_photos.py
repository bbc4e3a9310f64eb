"""Photos of more than 8 bits are read with their values, or refused."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from unsee import InputError
from unsee.images import reading

LOSSLESS = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]


@pytest.fixture
def bright():
    """A picture that has white pixels, in 16 bits."""
    g = np.random.default_rng(0)
    return g.integers(0, 65535, (40, 50, 4), np.uint16, endpoint=True).clip(0, 60000) + 5535


def from_pil(path):
    with Image.open(path) as image:
        return reading.from_array(image)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
def test_deep_colours_of_jpeg_2000_are_refused(bright, channels, suffix, tmp_path) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "jp2":
        cv2.imwrite(str(path), bright[..., :channels], LOSSLESS)
    else:  # the codestream alone, without boxes
        cv2.imwrite(str(tmp_path / "a.jp2"), bright[..., :channels], LOSSLESS)
        content = (tmp_path / "a.jp2").read_bytes()
        path.write_bytes(content[content.index(b"\xff\x4f\xff\x51") :])
    message = "expected 8 bits for each colour of a JPEG 2000 file, got 16"
    for read in (
        lambda: reading.read(path, 3), lambda: reading.read_numbers(path),
        lambda: from_pil(path),
        lambda: reading.decode_mask(path.read_bytes(), str(path)),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            read()


def test_shallow_colours_and_deep_grey_of_jpeg_2000_are_read(bright, tmp_path) -> None:
    path, colours = tmp_path / "a.jp2", (bright[..., :3] >> 8).astype(np.uint8)
    cv2.imwrite(str(path), colours, LOSSLESS)
    pixels = reading.read(path, 3).pixels.numpy()
    np.testing.assert_allclose(pixels, colours[..., ::-1].transpose(2, 0, 1) / 255, atol=1e-6)
    cv2.imwrite(str(path), bright[..., 0], LOSSLESS)
    np.testing.assert_allclose(reading.read(path, 1).pixels[0], bright[..., 0] / 65535, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_signed_integers_of_a_tiff_are_as_bright_as_those_of_an_array(options, tmp_path) -> None:
    values = np.linspace(0, 32767, 1200).reshape(30, 40).astype("i2")
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    pixels = reading.read(tmp_path / "a.tif", 1).pixels
    np.testing.assert_allclose(pixels[0], values / 32767, atol=1e-6)
    np.testing.assert_allclose(pixels, reading.from_array(values, 1), atol=1e-6)
    tifffile.imwrite(tmp_path / "a.tif", values // 16, **options)
    with pytest.raises(InputError, match="expected integers that fill the range 0 to 32767"):
        reading.read(tmp_path / "a.tif", 1)


def test_numbers_in_colours_of_16_bits_are_refused(tmp_path) -> None:
    numbers = np.arange(2500, dtype=np.uint16).reshape(50, 50)
    cv2.imwrite(str(tmp_path / "a.png"), np.stack([numbers] * 3, 2))
    with pytest.raises(InputError, match="expected 8 bits for each colour of a number, got 16"):
        reading.read_numbers(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "a.png"), numbers)
    np.testing.assert_array_equal(reading.read_numbers(tmp_path / "a.png"), numbers)
