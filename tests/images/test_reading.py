import numpy as np
import pytest
import torch
from PIL import Image

from unsee import InputError
from unsee.images import finding, reading


@pytest.fixture
def picture():
    g = np.random.default_rng(0)
    return Image.fromarray(g.integers(0, 255, (20, 30, 3), np.uint8))


def write(picture, path, **settings):
    picture.save(path, **settings)
    return path


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
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(InputError, match="pixels"):
        reading.read(tmp_path / "bomb.png")


def test_photos_of_files_folders_and_patterns_are_found(picture, tmp_path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "deep/c.PNG", "deep/er/d.webp"):
        write(picture, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    photos = [p.relative_to(tmp_path).as_posix() for p in finding.find([tmp_path])]
    assert photos == ["a.jpg", "b.png", "deep/c.PNG", "deep/er/d.webp"]
    assert len(finding.find([tmp_path, tmp_path / "a.jpg"])) == 4
    assert [p.name for p in finding.find([str(tmp_path / "*.png")])] == ["b.png"]
    assert finding.find([tmp_path / "none.jpg"]) == [tmp_path / "none.jpg"]
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="no photos in this folder"):
        finding.find([tmp_path / "void"])
    with pytest.raises(InputError, match="matches no file"):
        finding.find([str(tmp_path / "*.gif")])
