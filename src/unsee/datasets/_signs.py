"""Signs that are drawn over photos: letters and digits of strokes, and patterns of two tones."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Colour = tuple[float, float, float]

STROKE = 0.085
"""Half of the width of a stroke, as a share of the side of its letter."""
OUTLINE = 0.06
"""Width of the outline around a stroke, as a share of the side of its letter."""

GLYPHS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "A": (((0, 1), (0.5, 0), (1, 1)), ((0.2, 0.62), (0.8, 0.62))),
    "E": (((1, 0), (0, 0), (0, 1), (1, 1)), ((0, 0.5), (0.8, 0.5))),
    "O": (
        ((0.3, 0), (0.7, 0), (1, 0.3), (1, 0.7), (0.7, 1), (0.3, 1), (0, 0.7), (0, 0.3), (0.3, 0)),
    ),
    "X": (((0, 0), (1, 1)), ((1, 0), (0, 1))),
    "2": (((0, 0.25), (0.25, 0), (0.75, 0), (1, 0.25), (0, 1), (1, 1)),),
    "4": (((0.75, 1), (0.75, 0), (0, 0.65), (1, 0.65)),),
    "7": (((0, 0), (1, 0), (0.35, 1)),),
}  # fmt: skip
"""Lines of letters and digits: corners x, y of each line, from 0, 0 (upper left) to 1, 1."""

Pattern = Callable[[Plane, Plane, float], NDArray[np.bool_]]
"""Function from columns, rows and the length of a repetition to where the first tone is."""

PATTERNS: dict[str, Pattern] = {
    "stripes": lambda x, y, length: (x + y) % length < length / 2,
    "checks": lambda x, y, length: (x % length < length / 2) ^ (y % length < length / 2),
    "dots": lambda x, y, length: _from_centre(x, length) + _from_centre(y, length) < 0.1,
    "zigzag": lambda x, y, length: (y + abs(x % (2 * length) - length)) % length < length / 2,
    "rows": lambda x, y, length: y % length < length / 2,
    "grid": lambda x, y, length: np.minimum(x % length, y % length) < length / 4,
}
"""Patterns that repeat, of exact operations only, so that all machines draw the same."""


class Style(NamedTuple):
    """What a sign may look like without another meaning."""

    colour: Colour
    other: Colour
    """Colour of the outline of a letter, or of the other places of a pattern."""
    length: float
    """Pixels of a repetition of a pattern."""
    shift: tuple[float, float]
    """Columns and rows by which a pattern is moved."""
    opacity: float
    """Opacity of a pattern; letters are opaque."""


class Drawing(NamedTuple):
    """Colours and opacity of each pixel of a sign."""

    colours: NDArray[np.float32]
    """(3, height, width)"""
    opacity: Plane


def draw(name: str, height: int, width: int, style: Style, *, is_round: bool = False) -> Drawing:
    """Return the drawing of a sign in a rectangle of this size.

    Args:
        name: A key of `GLYPHS` or of `PATTERNS`.
        height: Rows.
        width: Columns.
        style: Colours and details.
        is_round: Whether a pattern fills the largest ellipse instead of the rectangle.
    """
    y, x = (np.arange(side, dtype=np.float32) + 0.5 for side in (height, width))
    rows, columns = np.meshgrid(y, x, indexing="ij")
    if name in GLYPHS:
        distance = _distance(name, rows, columns, height, width)
        radius, outline = STROKE * height, max(1.0, OUTLINE * height)
        inner = np.clip(radius + 0.5 - distance, 0, 1)
        opacity = np.clip(radius + outline + 0.5 - distance, 0, 1)
    else:
        pattern = PATTERNS[name]
        right, down = style.shift
        inner = pattern(columns + right, rows + down, style.length).astype(np.float32)
        opacity = np.full((height, width), style.opacity, np.float32)
        if is_round:
            opacity *= (columns / width - 0.5) ** 2 + (rows / height - 0.5) ** 2 <= 0.25
    colour, other = (np.array(c, np.float32).reshape(3, 1, 1) for c in (style.colour, style.other))
    return Drawing(other + (colour - other) * inner.astype(np.float32), opacity.astype(np.float32))


def _distance(name: str, rows: Plane, columns: Plane, height: int, width: int) -> Plane:
    """Return the distance of each pixel to the nearest line of a letter, in pixels."""
    margin = STROKE * height + max(1.0, OUTLINE * height)
    scale = np.array([width - 2 * margin, height - 2 * margin], np.float32)
    nearest = np.full(rows.shape, np.inf, np.float32)
    for line in GLYPHS[name]:
        corners = np.array(line, np.float32) * scale + margin
        for (x, y), (right, down) in zip(corners[:-1], corners[1:] - corners[:-1], strict=True):
            along = ((columns - x) * right + (rows - y) * down) / (right**2 + down**2)
            along = np.clip(along, 0, 1)
            squares = (columns - x - along * right) ** 2 + (rows - y - along * down) ** 2
            nearest = np.minimum(nearest, np.sqrt(squares))
    return nearest


def _from_centre(positions: Plane, length: float) -> Plane:
    """Return the squared distance to the middle of a repetition, as a share of its length."""
    return (positions % length / length - 0.5) ** 2
