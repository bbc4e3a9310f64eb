"""Checks of the values in annotations."""

from textwrap import shorten
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.images.opening import MAX_PIXELS
from unsee.storage import files

Boxes = Float[Tensor, "_n 4"]
"""Boxes x1, y1, x2, y2 in pixels, one per object of the labelled class."""
MAX_CLASSES = 10**files.MAX_DIGITS
"""Number above all class indices."""
CONTENT_ERRORS = (ValueError, KeyError, IndexError, TypeError, AttributeError)
"""Exceptions that malformed content raises when it is parsed."""


def parse_boxes(rows: Any, source: str) -> Boxes:
    """Return boxes from lists of four numbers.

    Args:
        rows: The lists; anything else is refused.
        source: Name of the file or entry, for messages.

    Raises:
        InputError: `rows` is malformed.
    """
    try:
        boxes = torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float32)
        if (boxes.shape == (len(rows), 4) or not len(rows)) and boxes.isfinite().all():
            return boxes.reshape(-1, 4)
    except (*CONTENT_ERRORS, OverflowError, RuntimeError):
        pass
    raise InputError(
        f"{source}: expected boxes [[x1, y1, x2, y2], ...] of finite numbers, got {str(rows)[:80]}"
    )


def clip_boxes(boxes: Boxes, width: float, height: float, source: str) -> Boxes:
    """Return the boxes clipped to a photo of this size.

    Raises:
        InputError: A box lies outside of the photo, has no area, or is not finite.
    """
    clipped = boxes.clone()
    clipped[:, 0::2] = boxes[:, 0::2].clamp(0, width)
    clipped[:, 1::2] = boxes[:, 1::2].clamp(0, height)
    has_area = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    bad = ~(has_area & boxes.isfinite().all(1))
    if bad.any():
        box = [round(v, 1) for v in boxes[bad][0].tolist()]
        raise InputError(
            f"{source}: the box {box} (x1, y1, x2, y2) is outside of the photo, "
            f"{width:g} x {height:g} pixels, or its corners are swapped"
        )
    return clipped


def check_size(height: object, width: object, source: object) -> tuple[int, int]:
    """Return the height and width of an annotated photo.

    Raises:
        InputError: They are not positive integers, or the photo has too many pixels to be read.
    """
    sides = [side for side in (height, width) if type(side) is int and side > 0]
    if len(sides) != 2 or sides[0] * sides[1] > MAX_PIXELS:
        raise InputError(
            f"{source}: expected the height and width of a photo of at most {MAX_PIXELS:,} pixels, "
            f"got {shorten(str(height), 40)}, {shorten(str(width), 40)}"
        )
    return sides[0], sides[1]


def is_index(value: object) -> bool:
    """Return whether a value of an annotation is a class index: an integer that is not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_CLASSES
