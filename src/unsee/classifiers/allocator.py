"""Memory that is given back to the system at every layer is slow; keep it instead."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_memory() -> bool:
    """Tell glibc to keep freed memory for the next layer; call it before the first tensor is made.

    With glibc's defaults a network's large activations go back to the system at every layer, and
    bigger batches get slower. Returns False where there is no glibc. The environment variables
    `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000` do the same from outside.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
