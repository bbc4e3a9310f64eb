"""A mode in which batch size and number of threads change no bit of a result."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

from unsee.errors import InputError, reason

Item = TypeVar("Item")

CHUNK = 16
"""Images in the network at a time in this mode, whatever the classifier's own setting."""
CUBLAS = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""Environment variable that makes cuBLAS deterministic, and its value."""

_is_on: ContextVar[bool] = ContextVar("deterministic", default=False)


def is_on() -> bool:
    """Return whether the caller runs in the mode; a batch is then never halved."""
    return _is_on.get()


def mode(device: torch.device, *, on: bool = True) -> AbstractContextManager[None]:
    """Return a context in which floating-point sums have one order; without `on`, do nothing.

    In it, torch and the libraries of linear algebra use one thread, which fixes the order of their
    sums, and a batch that does not fit in memory is an error instead of being halved. On CUDA,
    kernels without a fixed order are refused. All settings are restored afterwards, and after
    errors.

    The context covers threads and kernels only: a caller also fixes what is in a batch. Libraries
    of linear algebra share their threads among all Python threads, so use the mode in one at a
    time.

    Raises:
        InputError: A kernel of the block has no deterministic version on this device.
    """
    return _mode(device) if on else nullcontext()


@contextmanager
def _mode(device: torch.device) -> Iterator[None]:
    with ExitStack() as stack:
        token = _is_on.set(True)
        stack.callback(_is_on.reset, token)
        _set(stack, torch.set_num_threads, 1, torch.get_num_threads())
        pools = _thread_pools(len(sys.modules))
        stack.enter_context(pools.limit(limits=1, user_api="blas"))
        if device.type == "cuda":
            _fix_kernels(stack)
            stack.enter_context(refuse_other_kernels())
        yield


@contextmanager
def refuse_other_kernels() -> Iterator[None]:
    """Turn torch's error about a kernel without a fixed order into an `InputError`."""
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise InputError(
            f"deterministic: {reason(error)}; use the device cpu or another method"
        ) from error


def _fix_kernels(stack: ExitStack) -> None:
    """Make CUDA use kernels whose result is the same each time, until the stack is closed."""
    cudnn = torch.backends.cudnn
    for name, value in CUBLAS.items():
        if name not in os.environ:
            os.environ[name] = value
            stack.callback(os.environ.pop, name, None)
    _set(stack, _set_cudnn, (True, False), (cudnn.deterministic, cudnn.benchmark))
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    stack.callback(torch.use_deterministic_algorithms, before, warn_only=warns)
    torch.use_deterministic_algorithms(True)


def _set_cudnn(flags: tuple[bool, bool]) -> None:
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags


def _set(stack: ExitStack, setter: Callable[[Item], object], value: Item, before: Item) -> None:
    """Set a value now, and set that from before when the stack is closed."""
    stack.callback(setter, before)
    setter(value)


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """Return the thread pools of all loaded libraries; they change with the number of modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about other libraries' mixture of pools
        return ThreadpoolController()
