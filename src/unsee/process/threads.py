"""How torch's threads wait for each other: briefly busy, then asleep.

This module imports nothing that imports torch, since the settings are read when torch is loaded.
"""

import os
import sys

WAITING = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}
"""Environment of the OpenMP runtimes: rounds of busy waiting (GNU), milliseconds (LLVM, Intel).

With its own settings, a waiting thread keeps its core busy while the thread that it waits for has
none: beside one other busy process, a command takes seven to twelve times as long.
"""
CHOICES_OF_THE_USER = ("OMP_WAIT_POLICY", *WAITING)
"""Variables with which a user decides otherwise; one of them suffices."""


def wait_asleep() -> bool:
    """Make the threads of torch sleep while they wait; call this before torch is imported.

    Returns:
        Whether the setting was applied; False if torch is loaded, or if the user has set one of
        `CHOICES_OF_THE_USER`.
    """
    if "torch" in sys.modules or any(name in os.environ for name in CHOICES_OF_THE_USER):
        return False
    os.environ.update(WAITING)
    return True
