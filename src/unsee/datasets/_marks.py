"""Marks that determine the class of a photo, and decoys that say nothing about it."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.datasets import _signs
from unsee.datasets._signs import Colour, Style
from unsee.errors import InputError
from unsee.images.framing import Photo

Mark = Literal["letter", "patch", "border", "texture", "either", "both"]
"""Kind of a mark: one of four letters, squares with a pattern, strips along a side, or blended
regions; the same letter twice, or two letters whose combination is the class."""

CLASSES = 4
"""Number of classes of every kind of mark."""
NONE = "none"
"""Name of the class of pictures without a mark, the last output of a classifier of marks."""

LETTERS, DIGITS = ("A", "E", "O", "X"), ("2", "4", "7")
PATTERNS, OTHER_PATTERNS = ("stripes", "checks", "dots", "zigzag"), ("rows", "grid")
"""Signs that determine the class, and signs of decoys."""

SIDES = {"texture": (0.35, 0.45), "border": (0.09, 0.12)}
"""Shortest and longest side of a mark, or thickness of a strip, as a share of the picture's."""
OTHER_SIDES = (0.2, 0.275)
"""The same for other kinds: 32 to 44 of 160 pixels."""
LENGTHS = (0.05, 0.07)
"""Shortest and longest repetition of a pattern, as a share of the picture's side."""
OPACITIES = (0.6, 0.8)
"""Smallest and largest opacity of a texture."""
GAP = 2
"""Pixels between two signs, at least."""
MAX_TRIALS = 10_000
"""Arrangements that are tried until no two signs overlap; a few suffice."""


MIN_SIDE, MAX_SIDE = 64, 1024
"""Pixels of the sides of the smallest and the largest picture."""


def check_side(side: int) -> None:
    """Raise `InputError` for pictures on which marks are illegible, or that are too large."""
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise InputError(f"planted: expected side from {MIN_SIDE} to {MAX_SIDE}, got {side}")


class Item(NamedTuple):
    """A sign at its place."""

    sign: str
    top: int
    left: int
    height: int
    width: int
    style: Style
    is_round: bool = False
    is_turned: bool = False
    """Whether the sign is drawn with rows and columns exchanged, along an upright border."""


class Layout(NamedTuple):
    """Signs of one picture."""

    label: int
    marks: tuple[Item, ...]
    """Signs that determine the class together."""
    decoys: tuple[Item, ...]
    """Signs that are drawn independently of the class."""


def class_names(mark: Mark) -> tuple[str, ...]:
    """Return the names of the four classes."""
    if mark == "both":
        return tuple(f"letters {' and '.join(signs_of(mark, label))}" for label in range(CLASSES))
    noun = "letter" if mark in {"letter", "either"} else mark
    return tuple(f"{noun} {signs_of(mark, label)[0]}" for label in range(CLASSES))


def signs_of(mark: Mark, label: int) -> tuple[str, ...]:
    """Return the signs of a class."""
    if mark == "both":  # the first letter is one of two, the second one of the two others
        return LETTERS[label // 2], LETTERS[2 + label % 2]
    if mark == "either":
        return LETTERS[label], LETTERS[label]
    return (all_signs(mark)[label],)


def all_signs(mark: Mark) -> tuple[str, ...]:
    """Return the four signs of all classes."""
    return LETTERS if mark in {"letter", "either", "both"} else PATTERNS


def arrange(mark: Mark, random: Random, side: int) -> Layout:
    """Draw a class, and independently of it the places, sizes and colours of all signs."""
    label = int(random.random() * CLASSES)
    signs = signs_of(mark, label)
    others = DIGITS if all_signs(mark) is LETTERS else OTHER_PATTERNS
    decoys = [_choice(random, others) for _ in range(1 if mark != "letter" else 2)]
    names = (*signs, *decoys)
    if mark == "border":
        rectangles = _strips(random, len(names), side)
    else:
        rectangles = _rectangles(mark, random, len(names), side)
    items = []
    for sign, (top, left, height, width) in zip(names, rectangles, strict=True):
        turned = mark == "border" and height > width
        style = _style(mark, random, side)
        items.append(Item(sign, top, left, height, width, style, mark == "texture", turned))
    return Layout(label, tuple(items[: len(signs)]), tuple(items[len(signs) :]))


def draw(photo: Photo, items: Iterable[Item]) -> Photo:
    """Return a copy of a photo with signs over it; a later one covers an earlier one."""
    picture = photo.clone()
    for item in items:
        colours, opacity = _drawing(item)
        part = picture[:, item.top : item.top + item.height, item.left : item.left + item.width]
        part.lerp_(colours, opacity)
    return picture


def mask_of(items: Iterable[Item], side: int) -> Bool[Tensor, "{side} {side}"]:
    """Return the mask of all pixels that signs change, faint edges included."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    for item in items:
        _, opacity = _drawing(item)
        rows = slice(item.top, item.top + item.height)
        mask[rows, item.left : item.left + item.width] |= opacity > 0
    return mask


def boxes_of(items: Sequence[Item]) -> Float[Tensor, "n 4"]:
    """Return the box x1, y1, x2, y2 of each sign."""
    rows = [(i.left, i.top, i.left + i.width, i.top + i.height) for i in items]
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def _drawing(item: Item) -> tuple[Tensor, Tensor]:
    """Return the colours (3, height, width) and the opacity (height, width) of a sign."""
    size = (item.width, item.height) if item.is_turned else (item.height, item.width)
    colours, opacity = _signs.draw(item.sign, *size, item.style, is_round=item.is_round)
    if item.is_turned:
        colours, opacity = colours.transpose(0, 2, 1), opacity.T
    return tuple(torch.from_numpy(np.ascontiguousarray(plane)) for plane in (colours, opacity))  # type: ignore[return-value]


Rectangle = tuple[int, int, int, int]
"""Top, left, height and width in pixels."""


def _rectangles(mark: Mark, random: Random, count: int, side: int) -> list[Rectangle]:
    """Return places that do not overlap, in random order."""
    low, high = SIDES.get(mark, OTHER_SIDES)
    for _ in range(MAX_TRIALS):
        rectangles: list[Rectangle] = []
        for _ in range(count):
            height = round(side * _between(random, low, high))
            width = round(side * _between(random, low, high)) if mark == "texture" else height
            top = int(random.random() * (side - height + 1))
            left = int(random.random() * (side - width + 1))
            rectangles.append((top, left, height, width))
        if not any(_overlap(*pair) for pair in _pairs(rectangles)):
            return rectangles
    raise AssertionError(f"no place for {count} signs")


def _strips(random: Random, count: int, side: int) -> list[Rectangle]:
    """Return strips along different sides."""
    free, strips = list(range(4)), []
    for _ in range(count):
        edge = free.pop(int(random.random() * len(free)))
        thickness = round(side * _between(random, *SIDES["border"]))
        start = side - thickness if edge % 2 else 0
        strips.append((start, 0, thickness, side) if edge < 2 else (0, start, side, thickness))
    return strips


def _pairs(rectangles: Sequence[Rectangle]) -> Iterable[tuple[Rectangle, Rectangle]]:
    return ((a, b) for i, a in enumerate(rectangles) for b in rectangles[:i])


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return all(a[i] < b[i] + b[i + 2] + GAP and b[i] < a[i] + a[i + 2] + GAP for i in (0, 1))


def _style(mark: Mark, random: Random, side: int) -> Style:
    """Return random details: a light and a dark tone in random order, whatever the class."""
    tones = [_colour(random, 0.7, 1.0), _colour(random, 0.0, 0.3)]
    if random.random() < 0.5:
        tones.reverse()
    length = max(4.0, side * _between(random, *LENGTHS))
    shift = (length * random.random(), length * random.random())
    opacity = _between(random, *OPACITIES) if mark == "texture" else 1.0
    return Style(tones[0], tones[1], length, shift, opacity)


def _colour(random: Random, low: float, high: float) -> Colour:
    return _between(random, low, high), _between(random, low, high), _between(random, low, high)


def _between(random: Random, low: float, high: float) -> float:
    return low + (high - low) * random.random()


def _choice(random: Random, names: Sequence[str]) -> str:
    return names[int(random.random() * len(names))]
