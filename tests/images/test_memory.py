"""Reading any photo takes at most 1 GiB."""

import re
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from unsee import InputError
from unsee.images import reading

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory(name: str) -> int:
    """Bytes of a line of the status of this process."""
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", STATUS.read_text())[1])


def measured(paths):
    """Read photos; return by how much memory grew at most, and a result or an error for each."""
    REFERENCES.write_text("5")  # sets the peak to what is in memory now
    idle, results = memory("VmRSS"), {}
    for path in paths:
        try:
            photo = reading.read(path)
            results[path.name] = list(photo.pixels.shape), photo.reduced_from
            del photo
        except InputError as error:
            results[path.name] = str(error)
    return memory("VmHWM") - idle, results


def jpeg_with(segments: list[bytes], size: tuple[int, int] = (8, 8)) -> bytes:
    """A small JPEG file with segments, and with any size in its header."""
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", *size)
    inserted = b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments)
    return bytes(content[:2]) + inserted + bytes(content[2:])


def directory(entries: int, held: int) -> bytes:
    """A TIFF file whose tags all refer to the same bytes."""
    table = b"".join(struct.pack("<HHII", 40000 + n, 7, held, 8) for n in range(entries))
    head = b"II*\0" + struct.pack("<I", 8 + held)
    return head + bytes(held) + struct.pack("<H", entries) + table + bytes(4)


def png_of(width: int, height: int) -> bytes:
    """A black PNG file, compressed as fast as can be."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((width + 1) * height), 1))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


def png_with_text(size: int) -> bytes:
    """A small PNG file with a compressed text of so many bytes."""
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    chunk = b"zTXt" + b"a\0\0" + zlib.compress(bytes(size), 1)
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return file.getvalue()[:33] + chunk + file.getvalue()[33:]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
def test_any_photo_that_is_taken_needs_at_most_1_gib(tmp_path) -> None:
    large = {
        "photo.jpg": ("RGB", (5000, 4000)),
        "float.tif": ("F", (2000, 1500)),
    }
    for name, (mode, size) in large.items():
        Image.new(mode, size).save(tmp_path / name)
    small = {
        "wide.png": png_of(9999, 9999),  # 400 KB
        "claims.jpg": jpeg_with([], (9000, 9000)),
        "exif.jpg": jpeg_with([b"Exif\0\0" + directory(2700, 32_000)[:65_000]]),
        "segments.jpg": jpeg_with([b"Exif\0\0" + bytes(65_000)] * 800),
        "tags.tif": directory(6000, 10**6),
        "text.png": png_with_text(10**8),
    }
    for name, content in small.items():
        (tmp_path / name).write_bytes(content)
    growth, results = measured([tmp_path / name for name in (*large, *small)])
    assert growth < 2**30
    assert (
        growth > 3 * 5000**2
    )  # a quarter of the largest photo: the rest may be memory kept before
    assert results["wide.png"] == ([3, 5000, 5000], (9999, 9999))
    assert results["photo.jpg"] == ([3, 4000, 5000], None)
    assert results["float.tif"] == ([3, 1500, 2000], None)
    assert "its metadata need more memory" in results["tags.tif"]
    assert "its metadata need more memory" in results["segments.jpg"]
    assert results.keys() == {*large, *small}
