"""The global random generators of torch, NumPy and Python, which a model may draw from."""

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import torch

TYPE_CHECKER = "<@beartype"
"""How the file names of beartype's checks begin. They draw the items of a list that they look at,
from Python's generator, which changes no result."""


class _Generator(NamedTuple):
    """A global generator."""

    read: Callable[[], Any]
    write: Callable[[Any], None]


class RandomState:
    """The states of the global generators at one moment.

    Args:
        device: Device of the network. The generator of a GPU is read only for a network there.
    """

    def __init__(self, device: torch.device) -> None:
        self._generators = _generators(device)
        self._states = {name: part.read() for name, part in self._generators.items()}

    def changed(self) -> list[str]:
        """Return the names of the generators that have another state now."""
        return [
            name
            for name, part in self._generators.items()
            if _plain(part.read()) != _plain(self._states[name])
        ]

    def restore(self, names: list[str]) -> None:
        """Give generators their states of that moment."""
        for name in names:
            self._generators[name].write(self._states[name])


def draws_in_python(function: Callable[[], object]) -> bool:
    """Return whether a function draws from Python's generator or seeds it, type checks aside.

    Only this thread is observed.
    """
    is_drawn = False
    generator = random.random.__self__  # type: ignore[attr-defined]

    def observe(frame: FrameType, event: str, called: Any) -> None:
        nonlocal is_drawn
        if event == "c_call" and getattr(called, "__self__", None) is generator:
            is_check = frame.f_code.co_filename.startswith(TYPE_CHECKER)
            is_drawn |= not is_check and called.__name__ != "getstate"

    before = sys.getprofile()
    sys.setprofile(observe)
    try:
        function()
    finally:
        sys.setprofile(before)
    return is_drawn


def _generators(device: torch.device) -> dict[str, _Generator]:
    generators = {
        "torch": _Generator(torch.get_rng_state, torch.set_rng_state),
        "NumPy": _Generator(lambda: np.random.get_state(legacy=False), np.random.set_state),
        "Python": _Generator(random.getstate, random.setstate),
    }
    if device.type == "cuda":
        generators["CUDA"] = _Generator(
            lambda: torch.cuda.get_rng_state(device),
            lambda state: torch.cuda.set_rng_state(state, device),
        )
    elif device.type == "mps":
        generators["MPS"] = _Generator(torch.mps.get_rng_state, torch.mps.set_rng_state)
    return generators


def _plain(state: Any) -> Any:
    """Return a state as values that `==` compares."""
    if isinstance(state, torch.Tensor):
        return state.cpu().numpy().tobytes()
    if isinstance(state, np.ndarray):
        return state.tobytes()
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    return state
