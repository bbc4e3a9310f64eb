"""Processes that this one starts: they import nothing from the working folder on their own.

This module imports nothing that imports torch, since the command line uses it before that.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable that keeps the working folder out of the search path of `python -c`."""


def keep_safe() -> None:
    """Let all later child processes search no module in the working folder before all others.

    Where Python does not fork (Windows, macOS, from 3.14 on Linux), a child is `python -c`, which
    would import any `pickle.py` of the folder. The folders that this process searches are handed
    on later. A user who has set the variable, also to nothing, has decided.
    """
    os.environ.setdefault(SAFE_PATH, "1")


@contextmanager
def kept_safe() -> Iterator[None]:
    """Do as `keep_safe` for the children that are started in the block."""
    is_new = SAFE_PATH not in os.environ
    keep_safe()
    try:
        yield
    finally:
        if is_new:
            os.environ.pop(SAFE_PATH, None)
