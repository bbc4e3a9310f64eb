"""Silence what the libraries below Pillow write to standard error about a damaged photo.

An error of Pillow says the same, and becomes an `InputError`.
"""

import ctypes
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from PIL import _imaging

SETTERS = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")
"""Functions of libtiff that take the function that prints, or NULL, and return the one before."""
_LOCK = threading.Lock()
_BEFORE: list[tuple[Callable[[Any], Any], Any]] = []
"""Functions of libtiff, and what they had set before the first of the open blocks."""
_open_blocks = 0

logging.getLogger("PIL").addHandler(logging.NullHandler())  # or the last resort would print


@contextmanager
def silenced() -> Iterator[None]:
    """Let libtiff print nothing during the block, in all threads; blocks may overlap."""
    global _open_blocks
    with _LOCK:
        if not _open_blocks:
            _BEFORE[:] = [(setter, setter(None)) for setter in _setters()]
        _open_blocks += 1
    try:
        yield
    finally:
        with _LOCK:
            _open_blocks -= 1
            if not _open_blocks:
                for setter, before in _BEFORE:
                    setter(before)


@cache
def _setters() -> list[Callable[[Any], Any]]:
    """Return the functions of the libtiff that Pillow uses; none where they cannot be called."""
    setters = []
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(_imaging.__file__)  # its dependencies are searched, too
        for name in SETTERS:
            setter = getattr(library, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setters.append(setter)
    return setters
