"""Damaged variants of a file's content."""

from collections.abc import Iterator

import numpy as np


def damaged(content: bytes, count: int) -> Iterator[bytes]:
    """Yield so many variants, cut off or with changed bytes; the same in every run."""
    g = np.random.default_rng(len(content))
    for number in range(count):
        if number % 3 == 0:
            yield content[: g.integers(0, len(content))]
            continue
        variant = bytearray(content)
        for at in g.integers(
            0, min(len(content), 400 if number % 3 == 1 else len(content)), 1 + number % 4
        ):
            variant[at] = g.integers(0, 256)
        yield bytes(variant)
