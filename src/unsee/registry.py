"""Names for parts: a file in a folder is a part, and its file name is its name."""

import pkgutil
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from inspect import getdoc
from typing import Any

from unsee.errors import InputError, unknown

KINDS = ("methods", "infillers", "metrics", "sources", "datasets")


@cache
def available(kind: str) -> list[str]:
    """Names of all parts of a kind: "methods", "infillers", "metrics", "sources" or "datasets"."""
    if kind not in KINDS:
        raise unknown("kind of part", kind, KINDS)
    folder = import_module(f"unsee.{kind}").__path__
    names = (module.name for module in pkgutil.iter_modules(folder))
    return sorted(name for name in names if name != "base" and not name.startswith("_"))


def create(kind: str, /, name: str, **settings: Any) -> Any:
    """Make a part by name: `create("methods", "fido", steps=100)`."""
    found = part(kind, name)
    known = [field.name for field in fields(found)]
    for setting in settings:
        if setting not in known:
            raise unknown(f"setting of {name}", setting, known)
    # lists, as TOML and JSON have them, are tuples in a frozen part
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return found(**plain)


def made(kind: str, text: str) -> Any:
    """A part from `NAME` or `NAME:setting=value,...`; values as in TOML, or plain words."""
    name, settings = settings_in(text)
    return create(kind, name, **settings)


def settings_in(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings in `NAME:setting=value,...`.

    Raises `InputError` for what is no pair.
    """
    name, _, rest = text.partition(":")
    return name, dict(_pairs(text, rest))


def _pairs(text: str, rest: str) -> Iterator[tuple[str, Any]]:
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"{text}: expected NAME:setting=value, got {pair!r}")
        try:
            yield key.strip(), tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            yield key.strip(), value.strip()


def part(kind: str, name: str) -> type[Any]:
    """The class that the file of this name defines and names in its `__all__`."""
    if name not in available(kind):
        raise unknown(kind.removesuffix("s"), name, available(kind))
    module = import_module(f"unsee.{kind}.{name}")
    (public,) = module.__all__
    found: type[Any] = getattr(module, public)
    return found


def summary(kind: str, name: str) -> str:
    """The first line of a part's docstring."""
    return (getdoc(part(kind, name)) or "").splitlines()[0]


def name_of(instance: object) -> str:
    """The name of a part, or of the user's own class that is not among the parts."""
    module = type(instance).__module__.split(".")
    listed = module[0] == "unsee" and len(module) == 3 and module[1] in KINDS
    return module[-1] if listed else f"{type(instance).__module__}.{type(instance).__qualname__}"


def settings_of(instance: object) -> dict[str, Any]:
    """A part as plain values: its name, then its settings."""
    values = {field.name: getattr(instance, field.name) for field in fields(instance)}  # type: ignore[arg-type]
    return {"name": name_of(instance), **values}
