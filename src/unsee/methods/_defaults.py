"""Reduce defaults of methods that are too large for small images."""

from dataclasses import fields
from typing import Any

from unsee.methods._cells import CELLS_PER_SIDE

REFERENCE_SIDE = 224
"""Side of the images that default patches are meant for."""
LEAST_PATCH = 3
"""Side of the smallest reduced patch, in pixels, of images that are twice as large."""


def reduced(method: Any, side: int) -> dict[str, Any]:
    """Return the defaults of a method that are too large for images, reduced.

    A default grid with more cells a side than the image has pixels gets one cell for each pixel. A
    default patch above half of the side leaves few positions, all of them alike: it becomes the
    same share of the side as in images of `REFERENCE_SIDE` pixels, and a default stride with it. A
    patch is not smaller than a stride that is set.

    Args:
        method: A method. Settings that equal their default count as defaults.
        side: Shorter side of the images in pixels.
    """
    defaults = {
        field.name: field.default
        for field in fields(method)
        if isinstance(field.default, int) and field.default == getattr(method, field.name)
    }
    smaller = {name: side for name in CELLS_PER_SIDE if defaults.get(name, 0) > side}
    patch = defaults.get("patch", 0)
    if 2 * patch > side:
        least = min(LEAST_PATCH, max(1, side // 2))
        smaller["patch"] = max(least, round(patch * side / REFERENCE_SIDE))
        if "stride" in defaults:
            smaller["stride"] = max(1, round(defaults["stride"] * smaller["patch"] / patch))
        else:
            smaller["patch"] = max(smaller["patch"], min(method.stride, side))
    return smaller
