"""Outlines of COCO's objects: polygons and run-length encodings."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.images.opening import MAX_KEPT

MAX_CORNERS = 100_000
"""Number of corners of the longest polygon."""
Shape = list[Any] | dict[str, Any]
"""Polygons, lists of x1, y1, x2, y2 and so on; or a run-length encoding: `size` and `counts`."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Draws the union of the objects of a class in a photo."""

    shapes: list[Any]
    """Outline of each object; None for an object without one."""
    boxes: list[list[float]]
    """Box of each object, x1, y1, x2, y2, which replaces an outline without pixels."""
    size: tuple[int, int]
    """Height and width of the annotated photo."""

    def check(self, source: object) -> None:
        """Raise `InputError` for polygons that are not lists of finite numbers.

        Run-length encodings are checked when they are decoded.
        """
        for shape in self.shapes:
            if isinstance(shape, dict) or shape is None:
                continue
            if not isinstance(shape, list) or not all(map(_is_polygon, shape)):
                raise InputError(
                    f"{source}: expected polygons [[x1, y1, x2, y2, ...], ...], "
                    f"got {str(shape)[:80]}"
                )

    def __call__(self) -> Bool[Tensor, "height width"]:
        """Return the mask, at half size for a photo that is read at half size."""
        step = 2 if math.prod(self.size) > MAX_KEPT else 1
        mask = np.zeros([-(-side // step) for side in self.size], bool)
        for shape, box in zip(self.shapes, self.boxes, strict=True):
            if isinstance(shape, dict):
                part = decode(shape, self.size)[::step, ::step]
            else:
                part = fill(shape or [], mask.shape, step)
            if part.any():
                mask |= part
            else:
                left, top = (max(0, math.floor(edge / step)) for edge in box[:2])
                right, bottom = (math.ceil(edge / step) for edge in box[2:])
                mask[top:bottom, left:right] = True
        return torch.from_numpy(mask)


def _is_polygon(polygon: object) -> bool:
    return (
        isinstance(polygon, list)
        and len(polygon) % 2 == 0
        and len(polygon) <= 2 * MAX_CORNERS
        and all(type(value) in {int, float} and abs(value) < 1e9 for value in polygon)
    )


def fill(polygons: list[list[float]], size: tuple[int, ...], step: int = 1) -> NDArray[np.bool_]:
    """Return the mask of the pixels whose centres lie within any of the polygons.

    `pycocotools.mask.frPyObjects` rounds polygons to the pixel grid and would include pixels
    whose centres are outside.
    """
    from skimage.draw import polygon2mask

    mask = np.zeros(size, bool)
    for polygon in polygons:
        corners = np.asarray(polygon, float).reshape(-1, 2)[:, ::-1] / step - 0.5
        if len(corners) > 2:
            mask |= polygon2mask(size, corners)
    return mask


def decode(encoding: dict[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of a run-length encoding, compressed (text) or not (a list of counts).

    The counts are lengths of runs of background and object in turn, down the columns.

    Raises:
        InputError: It is of another size than the photo, or malformed.
    """
    if encoding.get("size") != list(size):
        raise InputError(
            f"expected an outline of {size} pixels, got {str(encoding.get('size'))[:80]}"
        )
    counts = encoding.get("counts")
    runs = _uncompressed(counts) if isinstance(counts, str) else counts
    if (
        not isinstance(runs, list)
        or not all(type(run) is int and run >= 0 for run in runs)
        or sum(runs) != math.prod(size)
    ):
        raise InputError(f"expected runs of {math.prod(size)} pixels, got {str(counts)[:80]}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(size[::-1]).T


def _uncompressed(text: str) -> list[int]:
    """Return the counts of COCO's compressed text.

    Each count is written in groups of 5 bits, lowest first, as characters from "0"; the bit of
    value 32 means that another group follows, and the highest bit of the last group is the sign.
    From the fourth count on, the difference from the second last one is written.
    """
    counts: list[int] = []
    value = shift = 0
    for group in (ord(character) - 48 for character in text):
        if not 0 <= group < 64 or shift > 60:
            raise InputError(f"expected run lengths as text, got {text[:80]!r}")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            value -= (1 << shift) if group & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts
