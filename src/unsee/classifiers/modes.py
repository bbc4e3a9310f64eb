"""Independence of the modes that a caller set in torch: autocast, no_grad, dtype."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from unsee.classifiers import determinism

_LOCK = threading.Lock()


class _DefaultDtype:
    """Sets torch's default dtype, which all threads share, to float32 while any thread needs it."""

    users = 0
    original = torch.float32

    @classmethod
    @contextmanager
    def single(cls) -> Iterator[None]:
        """Keep the default at float32 in the block."""
        with _LOCK:
            if not cls.users:
                cls.original = torch.get_default_dtype()
            cls.users += 1
            if cls.original != torch.float32:
                torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            with _LOCK:
                cls.users -= 1
                if not cls.users and cls.original != torch.float32:
                    torch.set_default_dtype(cls.original)


@contextmanager
def own_modes(device: torch.device, *, deterministic: bool = False) -> Iterator[None]:
    """Run a block in torch's normal modes, whatever those of the caller are.

    Gradients are recorded, autocast and inference mode are off, and the default dtype is float32.
    With `deterministic`, sums have one order too, see `determinism.mode`. The caller's modes are
    restored afterwards.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in {"cpu", device.type}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_DefaultDtype.single())
        stack.enter_context(determinism.mode(device, on=deterministic))
        yield
