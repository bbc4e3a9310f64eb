"""Import the libraries that parts import on first use, so that no import is timed."""

import warnings
from importlib import import_module


def import_libraries(*parts: object) -> None:
    """Import the `libraries` of methods, in-fillers and metrics.

    `module:name` also loads a name of a package that loads its modules when they are used. A
    library that is not installed is skipped: the part itself reports it when it is used. Filters
    of warnings that a library adds are removed again.
    """
    with warnings.catch_warnings():
        for part in parts:
            for name in getattr(part, "libraries", ()):
                module, _, attribute = name.partition(":")
                try:
                    library = import_module(module)
                    if attribute:
                        getattr(library, attribute)
                except (ImportError, AttributeError):
                    continue
