"""Read from a photo what Pillow does not say: the memory its metadata take, and its depth."""

import struct
from io import BufferedIOBase, BytesIO

from PIL import Image

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
              16: 8, 17: 8, 18: 8}  # fmt: skip
"""Bytes of a value, by the types of TIFF and BigTIFF."""
BYTE_TYPES = frozenset([1, 2, 7])
"""Types whose values stay bytes; others become a Python number each."""
NUMBER_BYTES = 40
"""Bytes of a number and its place in a tuple."""
SUBDIRECTORIES = frozenset([330, 34665, 34853, 40965])
"""Tags that hold the offsets of further directories, which Pillow reads, too."""
MAX_DEPTH = 2
MAX_EXIF_COST = 2**26
"""Bytes that reading the EXIF block may allocate; a larger block is ignored."""
ORIENTATION = 0x0112
CODESTREAM = b"\xff\x4f\xff\x51"
"""Begin of a JPEG 2000 codestream: the markers SOC and SIZ."""
SIZE_BYTES = 42
"""Bytes of these markers and of what follows, up to the number of bands."""
MAX_BANDS = 64
"""Number of bands that are read."""


def directory_cost(file: BufferedIOBase, depth: int = 0, offset: int | None = None) -> int:
    """Return the bytes that the tags of a TIFF file or an EXIF block take in memory.

    Many tags may share the same bytes of the file, so the cost can be many times its size.
    """
    length = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    if len(head) < 16:
        return 0
    order, big = (">" if head[:2] == b"MM" else "<"), 43 in head[2:4]
    wide, size, word = ("Q", 20, 8) if big else ("I", 12, 4)
    if offset is None:
        offset = struct.unpack_from(f"{order}{wide}", head, word)[0]
    file.seek(min(offset, length))
    count = int.from_bytes(file.read(8 if big else 2), "big" if order == ">" else "little")
    table = file.read(size * min(count, 2**16))
    cost, below = len(table), {}
    for start in range(0, len(table) - size + 1, size):
        tag, kind, values = struct.unpack_from(f"{order}HH{wide}", table, start)
        held = min(values * TYPE_SIZES.get(kind, 0), length)
        if tag in SUBDIRECTORIES:
            below[tag] = struct.unpack_from(f"{order}{wide}", table, start + size - word)[0]
        if held > word:
            cost += held if kind in BYTE_TYPES else held // TYPE_SIZES[kind] * NUMBER_BYTES
    if depth < MAX_DEPTH:
        cost += sum(directory_cost(file, depth + 1, pointer) for pointer in below.values())
    return cost


def jpeg_cost(file: BufferedIOBase) -> int:
    """Return the bytes that the segments before the pixels of a JPEG file take in memory."""
    file.seek(2)
    cost, exif = 0, []
    while len(head := file.read(4)) == 4 and head[0] == 0xFF and head[1] != 0xDA:
        if head[1] == 0xFF:  # a byte of padding
            file.seek(-3, 1)
            continue
        length = max(int.from_bytes(head[2:], "big") - 2, 0)
        content = file.read(length)
        cost += length
        if head[1] == 0xE1 and content.startswith(b"Exif"):
            exif.append(content[6:])
    # Pillow appends one segment to another, and copies all of them each time
    block = b"".join(exif)
    return 4 * cost + len(exif) * len(block) // 64 + directory_cost(BytesIO(block))


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 if there is none that can be read."""
    block = image.info.get("exif") or b""
    start = 6 if block.startswith(b"Exif\0\0") else 0
    try:
        if directory_cost(BytesIO(block[start:])) > MAX_EXIF_COST:
            return 1
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged block does not make the pixels unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def jpeg2000_depth(file: BufferedIOBase) -> int:
    """Return the largest number of bits of a band of a JPEG 2000 file; 0 if it states none."""
    position = file.tell()
    file.seek(0)
    if file.read(2) != CODESTREAM[:2]:  # a file of boxes, one of which holds the codestream
        offset = 0
        while len(head := _at(file, offset, 16)) >= 8 and head[4:8] != b"jp2c":
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:], "big") if length == 1 else length
            if length < 8:  # the last box, or a damaged one
                return 0
            offset += length
        file.seek(offset + (16 if head[:4] == b"\0\0\0\1" else 8))
    else:
        file.seek(0)
    size = file.read(SIZE_BYTES)
    count = int.from_bytes(size[-2:], "big") if size.startswith(CODESTREAM) else 0
    bands = file.read(3 * min(count, MAX_BANDS))
    file.seek(position)
    return max((1 + (bits & 0x7F) for bits in bands[::3]), default=0)


def _at(file: BufferedIOBase, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
