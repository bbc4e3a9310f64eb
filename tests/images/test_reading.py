import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.damage import damaged
from tests.images.conftest import write
from unsee import InputError
from unsee.images import reading


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "CMYK", "1", "I;16", "F", "I"])
def test_every_mode_and_depth_is_read(picture, tmp_path, mode) -> None:
    if mode in {"I;16", "I"}:
        deep = (np.asarray(picture.convert("L")).astype(np.uint16)) * 257
        converted = Image.fromarray(deep.astype(np.int32) if mode == "I" else deep)
    elif mode == "F":
        converted = Image.fromarray(np.asarray(picture.convert("L"), np.float32) / 255)
    else:
        converted = picture.convert(mode)
    suffix = "tif" if mode in {"CMYK", "F", "I"} else "png"
    photo = reading.read(write(converted, tmp_path / f"a.{suffix}"))
    assert photo.pixels.shape == (3, 20, 30)
    assert photo.pixels.dtype == torch.float32
    assert 0 <= photo.pixels.min() < 0.2
    assert 0.8 < photo.pixels.max() <= 1
    expected = torch.from_numpy(np.asarray(picture.convert("L"), np.float32) / 255)
    if mode in {"L", "LA", "I;16", "I", "F"}:
        torch.testing.assert_close(photo.pixels[0], expected, atol=0.01, rtol=0)
    if mode in {"RGB", "RGBA"}:
        exact = torch.from_numpy(np.asarray(picture, np.float32) / 255).permute(2, 0, 1)
        torch.testing.assert_close(photo.pixels, exact)


def test_transparent_pixels_are_blended_with_white(tmp_path) -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert (reading.read(write(clear, tmp_path / "a.png")).pixels == 1).all()


def test_exif_orientation_is_applied(picture, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    photo = reading.read(write(picture, tmp_path / "a.png", exif=exif))
    assert photo.pixels.shape == (3, 30, 20)
    expected = torch.from_numpy(np.asarray(picture.rotate(-90, expand=True), np.float32) / 255)
    torch.testing.assert_close(photo.pixels.permute(1, 2, 0), expected)


def test_one_channel_is_read_for_grey_classifiers(picture, tmp_path) -> None:
    assert reading.read(write(picture, tmp_path / "a.png"), 1).pixels.shape == (1, 20, 30)
    with pytest.raises(InputError, match="pass arrays"):
        reading.read(tmp_path / "a.png", 7)


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (3, 8, 9), (8, 9, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, bool])
def test_arrays_of_any_layout_and_depth(shape, dtype) -> None:
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    photo = reading.from_array((np.ones(shape) * top).astype(dtype))
    assert photo.shape == (3, 8, 9)
    assert (photo == 1).all()


def test_arrays_of_other_channel_counts() -> None:
    assert reading.from_array(np.zeros((8, 9, 5), np.uint8), channels=5).shape == (5, 8, 9)
    with pytest.raises(InputError, match="expected 3 channels"):
        reading.from_array(np.zeros((8, 9, 5), np.uint8))
    with pytest.raises(InputError, match="divide by 255"):
        reading.from_array(np.full((8, 9, 3), 128.0))


def test_unreadable_files_are_refused(picture, tmp_path) -> None:
    whole = write(picture.resize((300, 300)), tmp_path / "whole.jpg")
    cases = {"empty.jpg": b"", "text.jpg": b"hello", "cut.jpg": whole.read_bytes()[:1500]}
    words = {"empty.jpg": "0 bytes", "text.jpg": "not a photo", "cut.jpg": "truncated or damaged"}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=words[name]) as caught:
            reading.read(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        reading.read(tmp_path / "none.jpg")
    with pytest.raises(InputError, match="is a folder"):
        reading.read(tmp_path)


@pytest.mark.parametrize("side", [11_000, 30_000])
def test_decompression_bombs_are_refused_before_decoding(tmp_path, side, monkeypatch) -> None:
    path = write(Image.new("1", (9, 9)), tmp_path / "bomb.png")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(InputError, match="pixels"):
        reading.read(path)


def test_formats_that_need_more_memory_have_a_lower_limit(tmp_path, monkeypatch) -> None:
    path = write(Image.new("RGB", (1000, 1000)), tmp_path / "a.webp")
    monkeypatch.setattr("unsee.images.opening.MAX_MEMORY", 17_000_000)
    with pytest.raises(InputError, match=r"1000 x 1000 pixels need .* GiB to decode from WEBP"):
        reading.read(path)
    assert reading.read(write(Image.new("RGB", (1000, 1000)), tmp_path / "a.png")).pixels.any() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(picture, tmp_path, orientation) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "a.tif", "a.webp"):
        settings = {"lossless": True} if name == "a.webp" else {}
        path = write(picture, tmp_path / name, exif=exif, **settings)
        with Image.open(path) as stored:
            expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"), np.float32)
        photo = reading.read(path).pixels.permute(1, 2, 0)
        np.testing.assert_array_equal(photo * 255, expected.round())


@pytest.mark.parametrize(
    "mode", ["1", "LA", "PA", "La", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"]
)
def test_pil_images_of_every_mode_are_converted(picture, mode) -> None:
    through = {"PA": "P", "La": "LA", "RGBa": "RGBA"}.get(mode)
    converted = (picture.convert(through) if through else picture).convert(mode)
    photo = reading.from_array(converted)
    grey = picture.convert("L") if mode in {"LA", "La"} else picture
    grey = picture.convert("1") if mode == "1" else grey
    expected = torch.from_numpy(np.asarray(grey.convert("RGB"), np.float32) / 255)
    difference = (photo.permute(1, 2, 0) - expected).abs()
    assert difference.mean() < (0.06 if mode == "PA" else 0.03)
    one = reading.from_array(converted, 1)
    luma = np.asarray(grey.convert("L"), np.float32) / 255
    assert np.abs(one[0].numpy() - luma).mean() < (0.06 if mode == "PA" else 0.03)


def test_large_photos_are_read_at_half_size(picture, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("unsee.images.opening.MAX_KEPT", 500)
    monkeypatch.setattr("unsee.images.converting.STRIP_PIXELS", 128)
    small = np.asarray(picture.reduce(2), np.float32) / 255
    file = reading.read(write(picture, tmp_path / "a.png"))
    assert file.reduced_from == (20, 30)
    assert file.origin() == {"path": file.path, "sha256": file.sha256, "reduced": (20, 30)}
    np.testing.assert_array_equal(file.pixels.permute(1, 2, 0), small)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = reading.read(write(picture, tmp_path / "a.jpg", exif=exif, quality=100))
    assert turned.pixels.shape == (3, 15, 10)
    assert turned.reduced_from == (30, 20)
    upright = torch.from_numpy(np.rot90(small, -1).copy()).permute(2, 0, 1)
    assert (turned.pixels - upright).abs().mean() < 0.05
    floats = Image.fromarray(np.asarray(picture.convert("L"), np.float32) / 255)
    deep = reading.read(write(floats, tmp_path / "a.tif")).pixels
    np.testing.assert_allclose(deep[0], floats.reduce(2), atol=1e-6)


def test_a_strip_at_a_time_gives_the_same_pixels(picture, tmp_path, monkeypatch) -> None:
    path = write(picture.convert("RGBA"), tmp_path / "a.png")
    whole = reading.read(path).pixels
    monkeypatch.setattr("unsee.images.converting.STRIP_PIXELS", 100)
    assert torch.equal(reading.read(path).pixels, whole)


RANGES = {
    "0..4000": ("F", np.linspace(0, 4000, 100), "got float32 from 0 to 4000; scale them"),
    "-1..1": ("F", np.linspace(-1, 1, 100), "got float32 from -1 to 1; scale them"),
    "0..255": ("F", np.linspace(0, 255, 100), "divide by 255"),
    "overshoot": ("F", np.linspace(0, 1.02, 100), r"from 0 to 1\.02"),
    "nan": ("F", np.array([0.5, np.nan] * 50), "replace these pixels"),
    "hounsfield": ("I", np.linspace(-1000, 3000, 100), "got int32 from -1000 to 3000; scale them"),
    "8 bits in 32": ("I", np.linspace(0, 255, 100), "convert them to 8 bits"),
    "12 bits in 16": ("I;16", np.linspace(0, 4095, 100), "got uint16 from 0 to 4095; scale them"),
    "8 bits in 16": ("I;16", np.linspace(0, 255, 100), "convert them to 8 bits"),
}


@pytest.mark.parametrize("name", RANGES)
def test_photos_whose_values_have_no_evident_range_are_refused(tmp_path, name) -> None:
    mode, values, words = RANGES[name]
    dtype = {"F": np.float32, "I": np.int32, "I;16": np.uint16}[mode]
    photo = Image.fromarray(values.reshape(10, 10).astype(dtype))
    assert photo.mode == mode
    with pytest.raises(InputError, match=words) as caught:
        reading.read(write(photo, tmp_path / "a.tif"))
    assert "a.tif" in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "top", "words"),
    [
        (np.int64, 255, "fill the range 0 to 9223372036854775807 of their type, got int64 from 0"),
        (np.uint32, 255, "convert them to 8 bits"),
        (np.int16, 4095, "got int16 from 0 to 4095; scale them"),
        (np.int16, 8000, None),
        (np.uint16, 200, "convert them to 8 bits"),
        (np.uint16, 4095, "got uint16 from 0 to 4095; scale them"),
        (np.uint16, 16383, None),
        (np.uint8, 1, "from 0 to 1; multiply them by 255"),
        (np.uint8, 2, None),
        (np.uint32, 2**32 - 1, None),
        (np.int64, 2**63 - 1, None),
        (np.uint16, 0, None),
        (np.complex64, 1, "expected integers or floats"),
    ],
)
def test_integers_are_read_by_the_range_of_their_type_if_they_fill_it(dtype, top, words) -> None:
    array = np.zeros((4, 5, 3), dtype)
    array[1:] = top
    if words is None:
        white = np.iinfo(dtype).max
        assert reading.from_array(array).max() == pytest.approx(top / white)
    else:
        with pytest.raises(InputError, match=words):
            reading.from_array(array)


def test_arrays_with_a_mask_are_refused() -> None:
    array = np.ma.masked_array(
        np.full((4, 5, 3), 200, np.uint8), mask=np.eye(4, 5)[..., None] > [0] * 3
    )
    with pytest.raises(InputError, match="without a mask"):
        reading.from_array(array)


def test_negative_integers_and_empty_arrays_are_refused() -> None:
    with pytest.raises(InputError, match="from -3 to 32767"):
        reading.from_array(np.array([[-3, 32767]], np.int16))
    with pytest.raises(InputError, match="expected an image"):
        reading.from_array(np.zeros((0, 5, 3)))


def test_files_that_are_not_photos_are_refused_in_one_line(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    words = {
        "pipe.jpg": "is a device or a pipe", "folder.jpg": "is a folder", "loop.jpg": "cannot be",
        "broken.jpg": "no such file", "x" * 300: "cannot be read", "a\0b": "cannot be read",
        "a\nb\udcff.jpg": "no such file", "/dev/zero": "a device", "/proc/self/status": "0 bytes",
        "/proc/self/mem": "0 bytes",
    }  # fmt: skip
    for name, word in words.items():
        with pytest.raises(InputError, match=word) as caught:
            reading.read(tmp_path / name)
        str(caught.value).encode()
        assert "\n" not in str(caught.value)


def test_files_without_permission_are_refused(picture, tmp_path, monkeypatch) -> None:
    path = write(picture, tmp_path / "a.png")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match=r"a\.png: cannot be read \(Permission denied\)"):
        reading.read(path)


def test_a_disk_that_fails_is_reported_in_one_line(picture, tmp_path, monkeypatch) -> None:
    path = write(picture, tmp_path / "a.png")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("hashlib.file_digest", fail)
    with pytest.raises(InputError, match=r"a\.png: cannot be read .*Input/output error"):
        reading.read(path)


def test_programs_that_look_like_photos_are_not_run(tmp_path) -> None:
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(InputError, match="not a photo in a format that Pillow supports"):
        reading.read(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "tif", "bmp", "tga", "ppm", "jp2"])
def test_damaged_photos_are_read_or_refused(picture, tmp_path, suffix) -> None:
    content = write(picture, tmp_path / f"a.{suffix}").read_bytes()
    for variant in damaged(content, 100):
        try:
            photo = reading.decode(variant, "a")
        except InputError:
            continue
        assert photo.isfinite().all()
