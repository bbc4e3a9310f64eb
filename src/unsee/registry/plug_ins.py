"""Parts of other packages, which their entry points name.

An entry point of the group `unsee.methods`, `unsee.infillers`, `unsee.metrics`, `unsee.sources`,
`unsee.datasets` or `unsee.cells` is the name of a part and the place of its class:
`halves = "package.module:Halves"`.
"""

import re
import sys
from functools import cache
from importlib.metadata import EntryPoint, distributions
from inspect import isabstract
from pathlib import Path
from typing import Any, NamedTuple

from unsee.errors import InputError, as_input_error
from unsee.registry.kinds import KINDS, base_class, own_names

NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
"""A name that a specification can hold."""
GROUPS = frozenset(f"unsee.{kind}" for kind in KINDS)
"""Groups of entry points."""


class PlugIn(NamedTuple):
    """A part that another package names."""

    package: str
    """Name of the package, as it is installed."""
    version: str
    """Version of the package."""
    entry: EntryPoint
    """Name and place of the class."""


@cache
def plug_ins(kind: str) -> dict[str, list[PlugIn]]:
    """Return the parts of a kind that other packages name, by name; two may have the same."""
    by_name: dict[str, list[PlugIn]] = {}
    for plug_in in _installed():
        if plug_in.entry.group == f"unsee.{kind}":
            by_name.setdefault(plug_in.entry.name, []).append(plug_in)
    return by_name


@cache
def _installed() -> list[PlugIn]:
    """Return the plug-ins of all packages.

    Packages that lie in the working folder are left out: the folder may be a stranger's.
    """
    here = Path.cwd()
    folders = [folder for folder in sys.path if folder and Path(folder).resolve() != here]
    first: dict[tuple[str, str, str], PlugIn] = {}
    for distribution in distributions(path=folders):
        for entry in distribution.entry_points:
            if entry.group in GROUPS:
                plug_in = PlugIn(distribution.metadata["Name"], distribution.version, entry)
                key = entry.group, entry.name, plug_in.package
                first.setdefault(key, plug_in)  # of two versions, the one that is imported
    return list(first.values())


def load(kind: str, name: str) -> type[Any]:
    """Import the class of a plug-in.

    Raises:
        InputError: The name is taken or cannot be written, the import fails, or the class is no
            part of this kind.
    """
    plug_in, *others = plug_ins(kind)[name]
    package, entry = plug_in.package, plug_in.entry
    if others or name in own_names(kind):
        by = others[0].package if others else "unsee itself"
        raise InputError(
            f"{name}: {package} adds a part of this name, which {by} has too; uninstall {package}, "
            f"or rename its entry point in the group unsee.{kind}"
        )
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name}: {package} adds a part of this name; expected a letter, then letters, digits, "
            "_ and -"
        )
    with as_input_error(f"{name}: cannot import {entry.value} of {package}"):
        cls = entry.load()
    _check(kind, name, f"expected {entry.value} of {package} to be", cls)
    checked: type[Any] = cls
    return checked


def plug_in_of(cls: type[Any]) -> tuple[str, PlugIn] | None:
    """Return the name of a class among the plug-ins, and its plug-in; None if it is none.

    Nothing is imported: the module of a class that exists is imported already.
    """
    for kind in KINDS:
        for name, (plug_in, *others) in plug_ins(kind).items():
            if others or name in own_names(kind):
                continue
            module, _, attribute = plug_in.entry.value.partition(":")
            if getattr(sys.modules.get(module), attribute.strip(), None) is cls:
                return name, plug_in
    return None


def _check(kind: str, name: str, expected: str, cls: Any) -> None:
    """Raise `InputError` for a class that is no part of a kind."""
    base = base_class(kind)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        received = cls.__name__ if isinstance(cls, type) else type(cls).__name__
        raise InputError(
            f"{name}: {expected} a subclass of {base.__module__}.{base.__name__}, got {received}"
        )
    parameters = vars(cls).get("__dataclass_params__")  # not those of a base class
    if parameters is None or not parameters.frozen:
        raise InputError(
            f"{name}: {expected} a frozen dataclass; decorate it with @dataclass(frozen=True)"
        )
    if isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise InputError(f"{name}: {expected} complete, but it does not define {missing}")
