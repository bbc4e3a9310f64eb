"""Photos whose content is hostile: damaged in every format, bombs, odd modes and metadata."""

import io
import struct
import zlib
from functools import partial

import numpy as np
from PIL import Image

import unsee
from tests.hostile import toy
from tests.hostile.cases import (
    ACCEPTED,
    EITHER,
    REFUSED,
    REST,
    Arena,
    Call,
    Command,
    case,
    explain,
    explained,
)

FAMILY = "photos"
FORMATS = {
    "avif": "AVIF", "bmp": "BMP", "dds": "DDS", "gif": "GIF", "icns": "ICNS", "ico": "ICO",
    "jpg": "JPEG", "jp2": "JPEG2000", "pcx": "PCX", "png": "PNG", "ppm": "PPM", "sgi": "SGI",
    "tga": "TGA", "tif": "TIFF", "webp": "WEBP", "qoi": "QOI", "im": "IM", "mpo": "MPO",
}  # fmt: skip
"""Formats of pictures that Pillow writes and reads, by suffix."""
DAMAGES = ("cut to a third", "cut to the header", "bits flipped", "zeros from the middle")


def both(arena: Arena, name: str, expected: str) -> list[Command | Call]:
    """Return the command with a good photo beside this one, and the Python call."""
    beside = explain(name, arena.photo(), check=explained("good"))
    if expected != EITHER:
        beside = Command(beside.arguments, REST if expected == REFUSED else ACCEPTED, beside.check)
    return [
        beside,
        Call(
            f"unsee.explain({name!r})",
            lambda: unsee.explain(toy.NAME, name, toy.METHOD),
            expected,
        ),
    ]


def photo_case(name: str, expected: str = REFUSED):
    """Register a function arena -> content of a photo whose file is called after `name`."""

    def register(make):
        def build(arena: Arena):
            suffix = make.suffix if hasattr(make, "suffix") else "png"
            return both(arena, arena.write(f"in/bad.{suffix}", make(arena)), expected)

        case(FAMILY, name, expected)(build)
        return make

    return register


def encoded(arena: Arena, kind: str, size=(64, 64), mode="RGB", **settings) -> bytes:
    """Return a photo of noise in a format."""
    pixels = arena.random.integers(0, 255, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).convert("I" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.fromarray((np.array(picture) * 257).astype(np.uint16))
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def damaged(arena: Arena, kind: str, damage: str) -> bytes:
    """Return a photo with one kind of damage."""
    content = bytearray(encoded(arena, kind))
    if damage == "cut to a third":
        return bytes(content[: len(content) // 3])
    if damage == "cut to the header":
        return bytes(content[:24])
    if damage == "bits flipped":
        for place in arena.random.integers(8, len(content), 60):
            content[place] ^= 1 << int(arena.random.integers(8))
        return bytes(content)
    half = len(content) // 2
    return bytes(content[:half]) + bytes(half)


def _damaged(arena: Arena, suffix: str, damage: str):
    content = damaged(arena, FORMATS[suffix], damage)
    return both(arena, arena.write(f"in/bad.{suffix}", content), EITHER)


for _suffix in FORMATS:
    for _damage in DAMAGES:
        case(FAMILY, f"{_suffix} {_damage}", EITHER)(
            partial(_damaged, suffix=_suffix, damage=_damage)
        )


def png(width: int, height: int, body: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG that claims a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def zeros(size: int) -> bytes:
    """Return a zlib stream of zeros in a time that hardly depends on its size."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(size, 2**20)
    end = zlib.compressobj(9, zlib.DEFLATED, -15)
    tail = end.compress(bytes(rest)) + end.flush()
    return b"\x78\xda" + block * whole + tail + struct.pack(">I", size % 65521 << 16 | 1)


@photo_case("png that claims 2 billion pixels a side")
def _(arena):
    return png(2**31 - 1, 2**31 - 1, zeros(1000))


@photo_case("png of 20000 x 20000 in black and white")
def _(arena):
    return png(20000, 20000, zeros(20000 * 2501), depth=1)


@photo_case("png of 9999 x 9999 in a few kilobytes", EITHER)
def _(arena):
    return png(9999, 9999, zeros(9999 * 10000))


@photo_case("png of 9999 x 9999 in 16 bits and colour", EITHER)
def _(arena):
    return png(9999, 9999, zeros(2**20), depth=16, colour=2)


@photo_case("png whose text inflates to a gigabyte", EITHER)
def _(arena):
    text = b"comment\0\0" + zeros(2**30 // 4)
    block = struct.pack(">I", len(text)) + b"zTXt" + text
    block += struct.pack(">I", zlib.crc32(b"zTXt" + text))
    content = encoded(arena, "PNG")
    return content[:33] + block + content[33:]


@photo_case("png of no pixels")
def _(arena):
    return png(0, 0, zeros(1))


def claimed(arena, kind: str, size: tuple[int, int]) -> bytes:
    """Return a photo of 64 x 64 pixels that claims another size."""
    content = bytearray(encoded(arena, kind))
    width, height = size
    if kind == "JPEG":
        start = content.find(b"\xff\xc0") + 5
        content[start : start + 4] = struct.pack(">HH", min(height, 65535), min(width, 65535))
    elif kind == "GIF":
        content[6:10] = struct.pack("<HH", min(width, 65535), min(height, 65535))
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", width, height)
    elif kind == "TIFF":
        for tag, value in ((256, width), (257, height)):
            place = content.find(struct.pack("<H", tag))
            content[place + 2 : place + 12] = struct.pack("<HII", 4, 1, value)
    elif kind == "WEBP":
        place = content.find(b"VP8 ") + 14
        content[place : place + 4] = struct.pack("<HH", min(width, 16383), min(height, 16383))
    elif kind == "TGA":
        content[12:16] = struct.pack("<HH", min(width, 65535), min(height, 65535))
    return bytes(content)


for _suffix in ("jpg", "gif", "bmp", "tif", "webp", "tga"):
    for _size in ((65000, 65000), (9990, 9990), (2**31 - 1, 1)):

        def _claims(arena, suffix=_suffix, size=_size):
            content = claimed(arena, FORMATS[suffix], size)
            return both(arena, arena.write(f"in/bad.{suffix}", content), EITHER)

        case(FAMILY, f"{_suffix} that claims {_size[0]} x {_size[1]}", EITHER)(_claims)


@photo_case("ico that holds a bomb", EITHER)
def _(arena):
    inside = png(15000, 15000, zeros(15000 * 15001))
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(inside), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + inside


@photo_case("gif of 2000 frames", ACCEPTED)
def _(arena):
    frames = [Image.new("P", (64, 64), n % 256) for n in range(2000)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@photo_case("one pixel", ACCEPTED)
def _(arena):
    return encoded(arena, "PNG", (1, 1))


@photo_case("1 x 100000 pixels", ACCEPTED)
def _(arena):
    return encoded(arena, "PNG", (1, 100_000))


@photo_case("100000 x 1 pixels", ACCEPTED)
def _(arena):
    return encoded(arena, "PNG", (100_000, 1))


for _mode in ("1", "L", "LA", "P", "RGBA", "I;16"):

    def _mode_content(arena, mode=_mode):
        return encoded(arena, "PNG", mode=mode)

    # the toy's score of a grey photo does not change where pixels turn grey
    photo_case(f"png in mode {_mode}", EITHER if _mode == "L" else ACCEPTED)(_mode_content)

for _mode in ("CMYK", "YCbCr", "LAB", "F", "I", "1", "RGBA"):

    def _tiff_content(arena, mode=_mode):
        if mode == "LAB":
            return encoded(arena, "TIFF", mode="L")
        return encoded(arena, "TIFF", mode=mode)

    photo_case(f"tiff in mode {_mode}", EITHER)(_tiff_content)


def floats(low: float, high: float) -> bytes:
    """Return a TIFF of floats in a range."""
    buffer = io.BytesIO()
    values = np.linspace(low, high, 64 * 64, dtype=np.float32).reshape(64, 64)
    Image.fromarray(values, "F").save(buffer, "TIFF")
    return buffer.getvalue()


for _low, _high in ((0, 4000), (-1, 1), (-1000, 3000), (float("nan"),) * 2, (0, float("inf"))):
    photo_case(f"tiff of floats from {_low} to {_high}")(
        lambda arena, low=_low, high=_high: floats(low, high)
    )


@photo_case("no bytes")
def _(arena):
    return b""


@photo_case("text")
def _(arena):
    return b"this is not a photo\n" * 100


@photo_case("noise")
def _(arena):
    return arena.random.bytes(5000)


@photo_case("a jpeg called png", ACCEPTED)
def _(arena):
    return encoded(arena, "JPEG")


@photo_case("html of an error page")
def _(arena):
    return b"<!doctype html><html><body>404</body></html>"


@photo_case("svg with a script")
def _(arena):
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@photo_case("postscript that writes a file")
def _(arena):
    return (
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n({arena.canary}) (w) file closefile\n"
        "showpage\n%%EOF\n"
    ).encode()
