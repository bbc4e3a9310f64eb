"""Names of devices, checked before torch sees them."""

import re

import torch

from unsee.errors import InputError

EXPECTED = "cpu, cuda, cuda:1 or mps"
NAME = re.compile(r"(cpu|cuda|mps|xpu)(?::(\d{1,3}))?")
"""Kinds of devices that networks run on, with a number."""
MEANT = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "metal": "mps"}
"""Other words for devices, and their names in torch."""


def check_device(device: str | torch.device | None) -> None:
    """Check that a device has a name that we know and that this machine has it.

    Raises:
        InputError: It has not.
    """
    if device is None:
        return
    name = str(device)
    match = NAME.fullmatch(name)
    if match is None:
        hint = MEANT.get(name.partition(":")[0].lower())
        meant = f"; did you mean {hint!r}?" if hint else ""
        raise InputError(f"cannot use device {name!r}: expected {EXPECTED}{meant}")
    kind, number = match[1], int(match[2] or 0)
    count = _count(kind)
    if count == 0:
        raise InputError(f"cannot use device {name!r}: torch sees no {kind} device on this machine")
    if number >= count:
        last = f"{kind}:{count - 1}" if count > 1 else kind
        raise InputError(f"cannot use device {name!r}: the last one of this machine is {last}")


def _count(kind: str) -> int:
    """Return the number of devices of a kind."""
    if kind == "cpu":
        return 1
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    module = getattr(torch, kind)
    return int(module.device_count()) if module.is_available() else 0
