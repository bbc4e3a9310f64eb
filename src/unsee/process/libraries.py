"""Import the libraries that parts import on first use, and keep libraries quiet while they load."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from importlib import import_module
from pathlib import Path


def import_libraries(*parts: object) -> None:
    """Import the `libraries` of methods, in-fillers and metrics, and of the `parts` of these.

    `module:name` also loads a name of a package that loads its modules when they are used. A
    library that is not installed is skipped: the part itself reports it when it is used. Filters
    of warnings that a library adds are removed again.
    """
    with warnings.catch_warnings():
        for part in parts:
            import_libraries(*getattr(part, "parts", ()))
            for name in getattr(part, "libraries", ()):
                module, _, attribute = name.partition(":")
                try:
                    library = import_module(module)
                    if attribute:
                        getattr(library, attribute)
                except (ImportError, AttributeError):
                    continue


def import_matplotlib(folder: Path = Path()) -> None:
    """Import matplotlib without the `matplotlibrc` of a working folder, if there is one.

    The folder may be a stranger's, and the file may run LaTeX on texts of its own.
    """
    if os.path.lexists(folder / "matplotlibrc"):
        with chdir(Path(__file__).parent):
            import_module("matplotlib")


_LOCK = threading.Lock()
_USERS: list[ExitStack] = []
"""For each block of `quiet` that runs, in any thread, what restores the state before the first."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings, logs and bars of libraries that load a file or a model.

    What is wrong with a file is an error of this package, in one line. Bars of downloads stay.
    Blocks may overlap in threads: the first one silences, the last one restores.
    """
    with _LOCK:
        _USERS.append(_USERS[0] if _USERS else _silence())
    try:
        yield
    finally:
        with _LOCK:
            restore = _USERS.pop()
            if not _USERS:
                restore.close()


def _silence() -> ExitStack:
    """Silence the process; closing the result restores what was set before."""
    stack = ExitStack()
    stack.callback(logging.disable, logging.root.manager.disable)
    logging.disable(logging.CRITICAL)
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    stack.enter_context(_no_bar_of_transformers())
    return stack


@contextmanager
def _no_bar_of_transformers() -> Iterator[None]:
    """Switch off the bar "Loading weights" of transformers, and keep those of the hub's client."""
    if "transformers" not in sys.modules:
        yield
        return
    client = import_module("huggingface_hub.utils")
    its_logging = import_module("transformers.utils.logging")
    bars, hub_bars = its_logging.is_progress_bar_enabled(), not client.are_progress_bars_disabled()
    its_logging.disable_progress_bar()  # and those of the client
    if hub_bars:
        client.enable_progress_bars()
    try:
        yield
    finally:
        if bars:
            its_logging.enable_progress_bar()
