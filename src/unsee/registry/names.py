"""Names of parts and their classes: those of this package, and plug-ins of others."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from unsee.errors import InputError, nearest, unknown
from unsee.registry.kinds import KINDS, own_names
from unsee.registry.plug_ins import load, plug_in_of, plug_ins


@cache
def available(kind: str) -> list[str]:
    """Return the names of all parts of a kind, those of other packages included.

    Args:
        kind: One of `methods`, `infillers`, `metrics`, `sources`, `datasets` and `cells`.
    """
    if kind not in KINDS:
        raise unknown("kind of part", kind, KINDS)
    return sorted({*own_names(kind), *plug_ins(kind)})


def part(kind: str, name: str) -> type[Any]:
    """Return the class of a part: the one that the file of this name lists, or that of a plug-in.

    Raises:
        InputError: There is no such part, or a plug-in cannot be used.
    """
    if name not in available(kind):
        raise _unknown_part(kind, name)
    if name in plug_ins(kind):
        return load(kind, name)
    module = import_module(f"unsee.{kind}.{name}")
    (public,) = module.__all__
    cls: type[Any] = getattr(module, public)
    return cls


def usable_parts(kind: str) -> Iterator[tuple[str, type[Any]]]:
    """Yield the names and classes of a kind, without plug-ins that cannot be used."""
    for name in available(kind):
        try:
            yield name, part(kind, name)
        except InputError:
            continue


def name_of(instance: object) -> str:
    """Return the name of a part, or the qualified name of a class that has no name."""
    cls = type(instance)
    module = cls.__module__.split(".")
    if module[0] == "unsee" and len(module) == 3 and module[1] in KINDS:
        return module[-1]
    named = plug_in_of(cls)
    return named[0] if named else f"{cls.__module__}.{cls.__qualname__}"


def packages_of(*instances: object) -> dict[str, str]:
    """Return names and versions of the packages that add some of these parts."""
    named = [plug_in_of(type(instance)) for instance in instances]
    return {plug_in.package: plug_in.version for _, plug_in in filter(None, named)}


def _unknown_part(kind: str, name: str) -> InputError:
    if kind != "sources":
        return unknown(kind.removesuffix("s"), name, available(kind))
    if re.search(r"[/\\]|\.\w+$", name):
        suggestions = [f"file:{name}"]
    else:
        suggestions = [*nearest(name, available(kind)), f"torchvision:{name}", f"timm:{name}"]
    return InputError(
        f"unknown classifier source {name!r}; did you mean {' or '.join(map(repr, suggestions))}?"
    )
