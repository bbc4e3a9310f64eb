"""Kinds of parts, and the names of those of this package."""

import pkgutil
from functools import cache
from importlib import import_module

BASES = {
    "methods": "Method",
    "infillers": "Infiller",
    "metrics": "Metric",
    "sources": "Source",
    "datasets": "Dataset",
    "cells": "Cells",
}
"""Kinds of parts, and the abstract class of each."""
KINDS = tuple(BASES)


@cache
def own_names(kind: str) -> frozenset[str]:
    """Return the names of all parts of a kind in this package: those of the files."""
    folder = import_module(f"unsee.{kind}").__path__
    names = (module.name for module in pkgutil.iter_modules(folder))
    return frozenset(name for name in names if name != "base" and not name.startswith("_"))


def base_class(kind: str) -> type:
    """Return the abstract class of a kind."""
    base: type = getattr(import_module(f"unsee.{kind}.base"), BASES[kind])
    return base
