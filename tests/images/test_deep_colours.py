"""Files of 16 bits: colours of 12 bits, and transparent values."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from unsee import InputError
from unsee.images import reading

GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6


def chunk(name, content):
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png(values, kind, key=()):
    """Return a PNG file of 16 bits with a transparent value, which Pillow does not write."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    transparent = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + transparent
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "bands"), [(COLOUR, 3), (GREY_ALPHA, 1), (COLOUR_ALPHA, 3)])
@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_colours_that_do_not_fill_16_bits_are_refused(kind, bands, top) -> None:
    values = np.random.default_rng(0).integers(0, top + 1, (8, 9, bands))
    if kind != COLOUR:
        values = np.dstack([values, np.full((8, 9), 65535)])
    content = png(values, kind)
    if top == 65535:
        expected = values[..., :bands].transpose(2, 0, 1) / 65535
        assert abs(reading.decode(content, "a.png").numpy() - expected).max() < 0.005
        return
    with pytest.raises(InputError, match=r"^a.png: expected colours that fill .* 16 bits"):
        reading.decode(content, "a.png")
    with pytest.raises(InputError, match="expected colours that fill"):
        reading.from_array(Image.open(BytesIO(content)))


def tiff(values, photometric, order="<", planar=1):
    """Return a TIFF file of 16 bits with these bands, without compression."""
    height, width, bands = values.shape
    content = (values if planar == 1 else values.transpose(2, 0, 1)).astype(f"{order}u2").tobytes()
    end, strips = 8 + len(content), bands if planar == 2 else 1
    lists = [[16] * bands, [8 + i * len(content) // strips for i in range(strips)]]
    lists.append([len(content) // strips] * strips)
    packed = [struct.pack(f"{order}{len(v)}{k}", *v) for v, k in zip(lists, "HII", strict=True)]
    places = [end, end + len(packed[0]), end + len(packed[0] + packed[1])]
    starts, sizes = (
        place if strips > 1 else values[0]
        for place, values in zip(places[1:], lists[1:], strict=True)
    )
    tags = (
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, bands, places[0]), (259, 3, 1, 1),
        (262, 3, 1, photometric), (273, 4, strips, starts), (277, 3, 1, bands),
        (278, 3, 1, height), (279, 4, strips, sizes), (284, 3, 1, planar),
    )  # fmt: skip
    directory = struct.pack(f"{order}H", len(tags))
    for tag, kind, number, value in tags:
        short = kind == 3 and number == 1
        directory += struct.pack(f"{order}HHI", tag, kind, number)
        directory += struct.pack(f"{order}HH" if short else f"{order}I", value, *[0] * short)
    start = b"II*\0" if order == "<" else b"MM\0*"
    place = struct.pack(f"{order}I", end + len(b"".join(packed)))
    return start + place + content + b"".join(packed) + directory + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("top", [4095, 65535])
@pytest.mark.parametrize(("photometric", "bands"), [(2, 3), (2, 4), (5, 4)])
def test_colours_of_tiff_files_fill_16_bits_too(photometric, bands, top, order) -> None:
    values = np.random.default_rng(0).integers(0, top + 1, (8, 9, bands))
    if bands == 4:
        values[..., 3] = 0 if photometric == 5 else 65535  # no black, or no transparency
    content = tiff(values, photometric, order)
    if top == 4095:
        with pytest.raises(InputError, match=r"^a.tif: expected colours that fill .* 16 bits"):
            reading.decode(content, "a.tif")
        return
    colours = values[..., :3].transpose(2, 0, 1) / 65535
    expected = 1 - colours if photometric == 5 else colours
    assert abs(reading.decode(content, "a.tif").numpy() - expected).max() < 0.005


@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_16_bits_are_refused(order) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (8, 9, 3))
    content = tiff(values, 2, order, planar=2)
    with pytest.raises(InputError, match=r"^a.tif: expected the bands of a pixel side by side"):
        reading.decode(content, "a.tif")
    with pytest.raises(InputError, match="side by side"):
        reading.from_array(Image.open(BytesIO(content)))


@pytest.mark.parametrize("top", [0, 4095, 65535])
@pytest.mark.parametrize("kind", [GREY_ALPHA, COLOUR_ALPHA])
def test_transparency_that_does_not_fill_16_bits_is_refused(kind, top) -> None:
    bands = 1 if kind == GREY_ALPHA else 3
    values = np.random.default_rng(0).integers(0, 65536, (8, 9, bands))
    values = np.dstack([values, np.linspace(0, top, 72).reshape(8, 9)])
    files = {"a.png": png(values, kind)}
    if bands == 3:
        files["a.tif"] = tiff(values, 2)
    for name, content in files.items():
        if top == 65535:
            colours, alpha = values[..., :bands] / 65535, values[..., bands:] / 65535
            expected = (1 - alpha * (1 - colours)).transpose(2, 0, 1)
            assert abs(reading.decode(content, name).numpy() - expected).max() < 0.01
            continue
        with pytest.raises(
            InputError, match=rf"^{name}: expected values of transparency \(alpha\) that fill"
        ):
            reading.decode(content, name)
        with pytest.raises(InputError, match="expected values of transparency"):
            reading.from_array(Image.open(BytesIO(content)))


@pytest.mark.parametrize("bands", [1, 3])
def test_the_transparent_value_of_16_bits_is_blended_with_white(bands) -> None:
    values = np.full((4, 4, bands), 40_000)
    values[:2] = 0x3041
    content = png(values, COLOUR if bands == 3 else GREY, (0x3041,) * bands)
    photo = reading.decode(content, "a.png")
    assert (photo[:, :2] == 1).all()
    assert abs(photo[:, 2:] - 40_000 / 65535).max() < 0.005


@pytest.mark.parametrize("top", [4095, 65535])
def test_colours_of_portable_pixmaps_fill_16_bits_too(top) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (8, 9, 3))
    content = b"P6 9 8 %d\n" % top + values.astype(">u2").tobytes()
    if top == 4095:
        assert reading.decode(content, "a.ppm").max() > 0.9
        return
    with pytest.raises(InputError, match="expected colours that fill"):
        reading.decode(content, "a.ppm")


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_white_may_be_zero_in_a_tiff_file(dtype, tmp_path) -> None:
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = np.linspace(0, white, 64).astype(dtype).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={262: 0})
    pixels = reading.read(tmp_path / "a.tif").pixels
    assert abs(pixels[0].numpy() - (1 - values / white)).max() < 1e-4


def test_signed_integers_of_8_bits_are_refused(tmp_path) -> None:
    values = np.arange(-32, 32, dtype=np.int8).reshape(8, 8)
    Image.fromarray(values.view(np.uint8)).save(tmp_path / "a.tif", tiffinfo={339: 2})
    with pytest.raises(InputError, match=r"a.tif: expected integers from 0 to 255, got signed"):
        reading.read(tmp_path / "a.tif")
