"""Reading any photo takes at most 1 GiB; measured in a process of its own."""

import json
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = """
import json, re, sys
import torch
from pathlib import Path
from unsee import InputError
from unsee.images import reading

def peak():  # ru_maxrss would start with the peak of the parent process
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

idle, results = peak(), {}
for path in sys.argv[1:]:
    try:
        photo = reading.read(path)
        results[path] = [list(photo.pixels.shape), photo.reduced_from]
    except InputError as error:
        results[path] = str(error)
print(json.dumps([peak() - idle, results]))
"""


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


def png_with_text(size: int) -> bytes:
    """A small PNG file with a compressed text of so many bytes."""
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    chunk = b"zTXt" + b"a\0\0" + zlib.compress(bytes(size))
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return file.getvalue()[:33] + chunk + file.getvalue()[33:]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
def test_any_photo_that_is_taken_needs_at_most_1_gib(tmp_path) -> None:
    large = {
        "wide.png": ("L", (9999, 9999)),  # 97 KB
        "photo.jpg": ("RGB", (5000, 4000)),
        "float.tif": ("F", (2000, 1500)),
    }
    for name, (mode, size) in large.items():
        Image.new(mode, size).save(tmp_path / name)
    small = {
        "claims.jpg": jpeg_with([], (9000, 9000)),
        "exif.jpg": jpeg_with([b"Exif\0\0" + directory(2700, 32_000)[:65_000]]),
        "segments.jpg": jpeg_with([b"Exif\0\0" + bytes(65_000)] * 800),
        "tags.tif": directory(6000, 10**6),
        "text.png": png_with_text(10**8),
    }
    for name, content in small.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in (*large, *small)]
    command = [sys.executable, "-c", SCRIPT, *paths]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    growth, results = json.loads(output)
    assert growth < 2**30
    by_name = {Path(path).name: result for path, result in results.items()}
    assert by_name["wide.png"] == [[3, 5000, 5000], [9999, 9999]]
    assert by_name["photo.jpg"] == [[3, 4000, 5000], None]
    assert by_name["float.tif"] == [[3, 1500, 2000], None]
    assert "its metadata need more memory" in by_name["tags.tif"]
    assert "its metadata need more memory" in by_name["segments.jpg"]
    assert all(isinstance(result, list | str) for result in results.values())
