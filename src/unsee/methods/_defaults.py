"""Reduce defaults of methods that are too large for small images."""

from dataclasses import fields
from typing import Any

from unsee.methods._cells import CELLS_PER_SIDE

REFERENCE_SIDE = 224
"""Side of the images that default patches are meant for."""
LEAST_PATCH = 3
"""Side of the smallest reduced patch, in pixels, of images that are twice as large."""


LARGEST_WINDOW = 3 / 8
"""Share of the side up to which a default window with its rim is kept. The covariance of its pixels
is estimated from all windows of the image, which are too few for a larger window."""
SMALL_CELL, SMALL_BUMP = 2, 6.0
"""Side of a cell, and width of its bump, in pixels of small images: bumps overlap as the default
ones do, so that the first mask is as even."""

Defaults = dict[str, Any]
"""Settings of a method by name."""


def reduced(method: Any, side: int) -> Defaults:
    """Return the defaults of a method that are too large for images, reduced.

    A default grid with more cells a side than the image has pixels gets one cell for each pixel.
    Patches, windows and cells that are set in pixels are meant for images of about
    `REFERENCE_SIDE` pixels and become smaller on small images.

    Args:
        method: A method. Settings that equal their default count as defaults.
        side: Shorter side of the images in pixels.
    """
    defaults: Defaults = {
        field.name: field.default
        for field in fields(method)
        if isinstance(field.default, int | float) and field.default == getattr(method, field.name)
    }
    smaller: Defaults = {name: side for name in CELLS_PER_SIDE if defaults.get(name, 0) > side}
    if 2 * defaults.get("patch", 0) > side:
        smaller |= _with_stride(method, defaults, "patch", _smaller_patch(defaults["patch"], side))
    if "window" in defaults and method.window + 2 * method.rim > LARGEST_WINDOW * side:
        rim = min(method.rim, max(1, round(side / 16))) if "rim" in defaults else method.rim
        window = max(1, side // 4 - 2 * rim)
        smaller |= {"rim": rim, **_with_stride(method, defaults, "window", window)}
    if "cell" in defaults and 2 * defaults.get("smoothness", 0) > side:
        smaller |= {"cell": min(SMALL_CELL, side), "smoothness": SMALL_BUMP}
    return smaller


def _smaller_patch(patch: int, side: int) -> int:
    """Return the side of a patch that is the same share as on `REFERENCE_SIDE` pixels.

    A patch above half of the side leaves few positions, all of them alike.
    """
    return max(min(LEAST_PATCH, max(1, side // 2)), round(patch * side / REFERENCE_SIDE))


def _with_stride(method: Any, defaults: Defaults, name: str, size: int) -> Defaults:
    """Return a smaller patch or window, and a default stride that is smaller by the same factor.

    The patch is not smaller than a stride that is set.
    """
    if "stride" in defaults:
        return {name: size, "stride": max(1, round(defaults["stride"] * size / defaults[name]))}
    return {name: max(size, min(method.stride, getattr(method, name)))}


def rate_for(method: Any, steps: int) -> float:
    """Return the rate with which other steps move a mask as far as the method's own steps do.

    A rate that is not at its default is kept.
    """
    (default,) = (field.default for field in fields(method) if field.name == "rate")
    rate: float = method.rate
    return rate * method.steps / steps if rate == default else rate
