"""Translate the preprocessing of other libraries."""

from typing import Literal


def closest_interpolation(name: str) -> Literal["bicubic", "bilinear"]:
    """Return the one of the two available filters that is closest to a library's filter."""
    return "bicubic" if name in {"bicubic", "lanczos", "random"} else "bilinear"
