"""Import optional libraries and download weights with clear errors."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import urlparse
from urllib.request import getproxies

from unsee.errors import InputError, missing_package, reason
from unsee.process.libraries import quiet

ONLY_WEIGHTS, NOT_ONLY_WEIGHTS = (
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
)
"""Environment variables of torch.load: the first forbids to unpickle objects."""

IMPLEMENTATIONS = ("eager", "sdpa", "flex_attention", "batched_mm", "grouped_mm")
"""Values of `attn_implementation` and `experts_implementation` that come with transformers."""

DYNAMIC_MODULES = {
    "transformers": "transformers.dynamic_module_utils",
    "diffusers": "diffusers.utils.dynamic_modules_utils",
}
"""Modules of libraries that import the Python files of checkpoints."""
KERNEL_MODULE = "transformers.integrations.hub_kernels"
"""Module of transformers that downloads compiled code and imports it."""
KERNEL_LOADERS = (
    "get_kernel", "get_kernel_hub", "load_and_register_kernel", "load_and_register_attn_kernel",
)  # fmt: skip
"""Names of the functions that do so, each in some versions of the libraries."""
ADAPTER_MODULE, ADAPTER_FINDER = "transformers.utils.peft_utils", "find_adapter_config_file"
"""Function with which transformers looks for an adapter, which names another checkpoint."""

_LOCK = threading.RLock()
"""Held while the process has the guards of `download`, which replace and restore its settings."""


@contextmanager
def optional_import(package: str) -> Iterator[None]:
    """Raise `InputError` with the command that installs the package if an import fails."""
    try:
        yield
    except (ImportError, RuntimeError) as error:  # torchvision for another torch: RuntimeError
        raise missing_package(package, f"the source {package}", error) from error


def check_no_kernels(config: object, name: object) -> None:
    """Raise `InputError` for a configuration of transformers that names compiled code of a hub.

    Transformers downloads and runs it for `attn_implementation = "owner/repository"`, and for
    flash attention, without asking, if the package `kernels` is installed.
    """
    entries = config.items() if isinstance(config, dict) else ()
    for key, value in entries:
        if "_implementation" in str(key):
            values = value.values() if isinstance(value, dict) else (value,)
            if any(item not in IMPLEMENTATIONS for item in values if item is not None):
                raise InputError(
                    f"{name}: names compiled code of a hub, which is never run ({value})"
                )
        check_no_kernels(value, name)


@contextmanager
def download(description: str, *, local: bool = False) -> Iterator[None]:
    """Raise `InputError` with a one-line reason if a download in the block fails.

    Libraries may read weights only, not unpickle objects, and run no Python file of a checkpoint.
    For what is local, and without a network, the Hugging Face client reads its cache only: a folder
    of a stranger reaches no network, and no request is repeated for 20 seconds.

    The guards are settings of the process: blocks of several threads run one after the other.

    Args:
        description: What is downloaded, for messages.
        local: Whether it is a file or a folder of this computer.
    """
    try:
        with _LOCK, _hub_offline(always=local), _weights_only(), _no_code(), quiet():
            yield
    except (InputError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # URLError, OSError: each client has its own
        if local:
            raise InputError(f"{description}: cannot be loaded ({reason(error)})") from error
        raise InputError(
            f"could not download {description} ({reason(error)}); "
            "check the name and the network, or give a local file or folder"
        ) from error


@contextmanager
def _weights_only() -> Iterator[None]:
    """Forbid `torch.load` to unpickle objects, whichever library calls it."""
    before = {name: os.environ.pop(name, None) for name in (ONLY_WEIGHTS, NOT_ONLY_WEIGHTS)}
    os.environ[ONLY_WEIGHTS] = "1"
    try:
        yield
    finally:
        del os.environ[ONLY_WEIGHTS]
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextmanager
def _no_code() -> Iterator[None]:
    """Forbid transformers and diffusers to run a Python file of a checkpoint, or to ask for it.

    `trust_remote_code=False` is not enough: they load parts of a pipeline or of a processor without
    it, and then ask on the terminal. Nor do they load compiled code of a hub, or an adapter, for
    which transformers loads the checkpoint that it names, with a configuration of its own.
    """
    with ExitStack() as stack:
        for library, name in DYNAMIC_MODULES.items():
            if library in sys.modules:
                module = import_module(name)
                stack.enter_context(replaced(module, "get_class_in_module", _refuse_code))
                # 0 seconds: an error in place of a question
                stack.enter_context(replaced(module, "TIME_OUT_REMOTE_CODE", 0))
        if "transformers" in sys.modules:
            for name in (KERNEL_MODULE, ADAPTER_MODULE):
                with suppress(ImportError, RuntimeError):  # a version without it
                    import_module(name)
            for name in KERNEL_LOADERS:
                stack.enter_context(_replaced_everywhere(name, _refuse_code))
            find = getattr(sys.modules.get(ADAPTER_MODULE), ADAPTER_FINDER, None)
            stack.enter_context(_replaced_everywhere(ADAPTER_FINDER, _without_adapter(find)))
        yield


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Replace an attribute of a module or a class in the block, if it has that attribute."""
    if not hasattr(owner, name):
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _replaced_everywhere(name: str, value: object) -> Iterator[None]:
    """Replace a function in the block, in all modules of the libraries that have or import it."""
    before = [(module, vars(module)[name]) for module in _library_modules(name)]
    for module, _ in before:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, function in before:
            setattr(module, name, function)
        for module in _library_modules(name):  # those that imported it in the block
            if vars(module)[name] is value and before:
                setattr(module, name, before[0][1])


def _library_modules(name: str) -> list[ModuleType]:
    """Return the imported modules of the libraries that have an attribute; none is imported."""
    libraries = {"kernels", *DYNAMIC_MODULES}
    modules = [m for key, m in list(sys.modules.items()) if key.partition(".")[0] in libraries]
    return [module for module in modules if name in getattr(module, "__dict__", ())]


def _without_adapter(find: Any) -> Callable[..., None]:
    """Return a function that refuses the adapter which another one finds."""

    def refuse(*args: Any, **settings: Any) -> None:
        if find is not None and find(*args, **settings) is not None:
            raise InputError(
                "the checkpoint is an adapter of another one, which is never loaded; merge both "
                "into one checkpoint, or remove adapter_config.json"
            )

    return refuse


def _refuse_code(*_: Any, **__: Any) -> NoReturn:
    raise InputError("the checkpoint brings code of its own, which is never run")


@contextmanager
def _hub_offline(*, always: bool) -> Iterator[None]:
    try:
        from huggingface_hub import constants
    except ImportError:
        yield
        return
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or always or not _reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(url: str) -> bool:
    """Return whether the host of the URL has an address; proxies resolve addresses themselves."""
    if getproxies() or os.environ.get("HF_ENDPOINT"):
        return True
    try:
        socket.getaddrinfo(urlparse(url).hostname, 443)
    except OSError:
        return False
    return True
