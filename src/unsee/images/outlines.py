"""Convert decoded pictures of masks, in which a pixel belongs to an object or to the background."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unsee.images.converting import (
    DEEP_MODES,
    as_stored,
    check_bands,
    has_white_zero,
    strips_of,
)

LOSSY_FORMATS = frozenset(["AVIF", "JPEG", "JPEG2000", "MPO", "WEBP"])
"""Formats that may change values: their masks have other values near the borders of objects."""


def mask_of(image: Image.Image, by: int = 1, orientation: int = 1) -> NDArray[np.bool_]:
    """Return where a decoded picture has an object: True where it is neither black nor transparent.

    In a lossy format, where it is brighter than half of its brightest pixel, if it has more than
    two values. Where all that is not transparent is black, this silhouette is the object.

    Args:
        image: A PIL image of any mode.
        by: Factor by which height and width are reduced, 1 or 2.
        orientation: EXIF orientation, 1 to 8, that is undone.

    Raises:
        InputError: Pillow reads other values than the file has.
    """
    check_bands(image)
    height, width = -(-image.height // by), -(-image.width // by)
    size = (width, height) if orientation >= 5 else (height, width)
    upright = np.empty((2, *size), np.uint8)
    target = as_stored(upright, orientation)
    for top, strip in strips_of(image):
        planes = _levels(image, strip)
        if by > 1:
            reduced = (np.asarray(Image.fromarray(plane).reduce(by)) for plane in planes)
            planes = (next(reduced), next(reduced))
        rows = slice(top // by, top // by + len(planes[0]))
        target[0, rows], target[1, rows] = planes
    level, alpha = upright
    if image.format in LOSSY_FORMATS and len(np.unique(level)) > 2:
        return level > level.max() // 2
    if not level.any() and not alpha.all():
        return alpha > 0
    return level > 0


def _levels(image: Image.Image, strip: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the largest colour, 0 where a pixel is transparent, and the opacity of a strip."""
    key = image.info.get("transparency")
    if image.mode in DEEP_MODES:
        stored = np.asarray(strip)
        seen = stored < np.iinfo(np.uint16).max if has_white_zero(image) else stored > 0
        opaque = stored != key if isinstance(key, int) else np.ones_like(seen)
        return (seen & opaque).astype(np.uint8) * 255, opaque.astype(np.uint8) * 255
    if strip.mode in {"La", "RGBa"}:
        strip = strip.convert(strip.mode.upper())
    if strip.mode == "LAB":  # Pillow converts it to no other mode
        strip = strip.convert("RGB")
    pixels = np.asarray(strip.convert("RGBA"))
    alpha = pixels[..., 3]
    return np.where(alpha > 0, pixels[..., :3].max(2), 0).astype(np.uint8), alpha
