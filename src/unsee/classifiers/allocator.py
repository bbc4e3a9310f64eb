"""Configuration of the C memory allocator for large tensors on a CPU."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's `mallopt` (malloc.h)."""


def keep_memory() -> bool:
    """Make glibc keep freed memory for reuse; call this before the first tensor is created.

    With glibc's defaults, the large activations of a network are returned to the system after every
    layer and requested again for the next one, which makes larger batches slower. The environment
    variables `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000` have the same effect.

    Returns:
        Whether the setting was applied; False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
