"""Open photos with Pillow, in bounded memory."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from io import BufferedIOBase
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from unsee.errors import InputError, as_input_error
from unsee.images import _metadata
from unsee.images._quiet import silenced

MAX_PIXELS = 100_000_000
"""Number of pixels of the largest photo that is decoded, as a limit for decompression bombs."""
MAX_KEPT = 25_000_000
"""Number of pixels above which a photo is read at half of its height and width."""
MAX_MEMORY = 2**30
"""Number of bytes that decoding a photo may take: 1 GiB."""
COSTS = {
    "AVIF": (3, 20), "BMP": (1, 5), "DIB": (1, 5), "GIF": (1, 8), "ICO": (2, 12), "JPEG": (0, 0),
    "JPEG2000": (2, 26), "MPO": (0, 0), "PNG": (2, 4), "PPM": (1, 6), "TGA": (1, 6),
    "TIFF": (2, 12), "WEBP": (3, 17),
}  # fmt: skip
"""Formats that are read; the copies of the file and the bytes per pixel that Pillow allocates.

They are the largest that were measured, over modes and compressions. JPEG is `_jpeg_cost`.
Formats that run another program (PostScript) or whose decoders are not bounded are left out.
"""
PLUGINS = (
    "Avif", "Bmp", "Gif", "Ico", "Jpeg", "Jpeg2K", "Png", "Ppm", "Tga", "Tiff", "WebP",
)  # fmt: skip
"""Modules of Pillow that read these formats; importing all of its modules takes longer."""


def factor(size: tuple[int, int]) -> int:
    """Return the factor by which a photo of this size is reduced: 1 or 2."""
    return 2 if size[0] * size[1] > MAX_KEPT else 1


@contextmanager
def opened(file: BufferedIOBase, name: str | Path) -> Iterator[Image.Image]:
    """Open a photo without decoding its pixels; decoding happens inside the block, too.

    Raises:
        InputError: The file is not a photo, is damaged, or decoding takes more than `MAX_MEMORY`.
            Errors of Pillow inside the block are turned into it.
    """
    try:
        with (
            silenced(),
            warnings.catch_warnings(),
            as_input_error(f"{name}: truncated or damaged"),
        ):
            warnings.simplefilter("ignore")  # broken EXIF blocks and Pillow's own bomb warning
            yield _open(file, name)
    except InputError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            raise InputError(f"{name}: more than the {MAX_PIXELS:,} pixels allowed") from error
        raise


def load(image: Image.Image) -> int:
    """Decode the pixels, at half size where that is faster; return by what to reduce them yet."""
    size, by = image.size, factor(image.size)
    if by > 1 and image.format in {"JPEG", "MPO"}:
        image.draft(image.mode, (max(1, size[0] // by), max(1, size[1] // by)))
        by = by if image.size == size else 1
    image.load()
    return by


def _open(file: BufferedIOBase, name: str | Path) -> Image.Image:
    start = file.read(4)
    metadata = _metadata_cost(file, start)
    if metadata > MAX_MEMORY // 2:
        raise InputError(f"{name}: its metadata need more memory than allowed; remove them")
    file.seek(0)
    try:
        image = Image.open(file, formats=_formats())  # type: ignore[arg-type]  # it reads and seeks
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a photo in a format that Pillow supports") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name}: {width} x {height} pixels are more than the {MAX_PIXELS:,} allowed; "
            "make the photo smaller"
        )
    cost = metadata + _pixel_cost(image, file.seek(0, 2))
    if cost > MAX_MEMORY:
        raise InputError(
            f"{name}: {width} x {height} pixels need {cost / 2**30:.1f} GiB to decode from "
            f"{image.format}, more than {MAX_MEMORY / 2**30:g}; make the photo smaller, or save "
            "it as JPEG or PNG"
        )
    return image


@cache
def _formats() -> list[str]:
    """Return the formats that this version of Pillow reads; a multi-picture file is a JPEG."""
    for plugin in PLUGINS:
        with suppress(ImportError):
            import_module(f"PIL.{plugin}ImagePlugin")
    return [name for name in COSTS if name in Image.OPEN and name != "MPO"]


def _metadata_cost(file: BufferedIOBase, start: bytes) -> int:
    if start[:2] == b"\xff\xd8":
        return _metadata.jpeg_cost(file)
    if start[:2] in {b"II", b"MM"}:
        return _metadata.directory_cost(file)
    return 0


def _pixel_cost(image: Image.Image, length: int) -> int:
    """Return an upper bound of the bytes that Pillow allocates to decode an image."""
    pixels = image.width * image.height
    if image.format in {"JPEG", "MPO"}:
        # a progressive file keeps the coefficients of all pixels, whatever the scale of decoding
        coefficients = 2 * len(image.getbands()) if "progressive" in image.info else 0
        return pixels * coefficients + 4 * pixels // factor(image.size) ** 2
    copies, per_pixel = COSTS[image.format or ""]
    if image.format == "TIFF":
        pixels = max(pixels, _tile_area(image))
    return copies * length + per_pixel * pixels


def _tile_area(image: Image.Image) -> int:
    tags = getattr(image, "tag_v2", {})
    sides = [tags.get(tag, 1) for tag in (322, 323)]  # TileWidth, TileLength
    return math.prod(side if isinstance(side, int) else MAX_PIXELS for side in sides)
