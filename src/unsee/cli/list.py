"""`unsee list`: names of parts, recipes and tables, and the settings of one part."""

from dataclasses import dataclass
from inspect import getdoc
from typing import Annotated, Literal, get_args

from tyro.conf import Positional, arg

from unsee.classifiers.measures import MEASURES
from unsee.cli.console import say, set_document, show_table
from unsee.cli.parsing import parse
from unsee.errors import InputError, unknown
from unsee.evaluation.paper_tables import load, tables
from unsee.output.table import Column, Table
from unsee.recipes import recipe, recipes
from unsee.registry import available, part, settings_about, summary

Kind = Literal[
    "methods", "infillers", "classifiers", "metrics", "datasets", "cells", "measures", "recipes",
    "tables",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
FOLDERS = {"classifiers": "sources"}
"""Folders of parts whose names differ from those on the command line."""


@dataclass(frozen=True, kw_only=True)
class List:
    """List the names of a kind of part, or the settings of one part.

    The JSON document is a list of objects with `name` and `summary`, and for settings with `type`
    and `default`.
    """

    kind: Annotated[str, Positional, arg(metavar="KIND")]
    """What is listed: methods, infillers, classifiers, metrics, datasets, cells, measures, recipes
    or tables."""
    name: Annotated[
        str | None, Positional, arg(metavar="[NAME]", help_behavior_hint="(default: list all)")
    ] = None
    """Name of a part whose settings are listed."""


def run(arguments: list[str]) -> int:
    """Print the list."""
    options = parse(List, arguments, "unsee list")
    if options.kind not in KINDS:
        raise unknown("kind of part", options.kind, KINDS)
    rows = entries(options.kind) if options.name is None else settings(options.kind, options.name)
    if set_document(rows):
        return 0
    if options.name is not None:
        say(f"{description(options.kind, options.name)}\n\n")
        rows = [{"name": _signature(row), "summary": row["summary"]} for row in rows]
    columns = [Column("name", "", align="left", style="bold"), Column("summary", "", align="left")]
    table = Table(columns, [(row["name"], row["summary"]) for row in rows])
    show_table(table)
    return 0


def entries(kind: str) -> list[dict[str, str]]:
    """Return name and summary of everything of a kind."""
    if kind == "measures":
        return [_entry(name, m.__doc__ or "") for name, m in MEASURES.items()]
    if kind == "recipes":
        return [_entry(name, recipe(name).summary) for name in recipes()]
    if kind == "tables":
        return [_entry(name, load(name)[1].summary) for name in tables()]
    folder = FOLDERS.get(kind, kind)
    return [_entry_of_part(folder, name) for name in available(folder)]


def _entry_of_part(folder: str, name: str) -> dict[str, str]:
    """Return name and summary of a part, or why a plug-in cannot be used."""
    try:
        argument = getattr(part(folder, name), "argument", "")
    except InputError as error:
        return _entry(name, f"cannot be used: {error.in_shell()}")
    return _entry(f"{name}:{argument}" if argument else name, summary(folder, name))


def settings(kind: str, name: str) -> list[dict[str, str]]:
    """Return the settings of a part, or those that a recipe sets.

    Raises:
        InputError: There is no such part, or this kind has no settings.
    """
    if kind == "recipes":
        published = recipe(name)
        return [
            _setting("method", published.method),
            _setting("infiller", published.infiller),
            _setting("measure", {"name": published.measure}),
        ]
    folder = FOLDERS.get(kind, kind)
    if kind in {"measures", "tables"}:
        raise InputError(f"{kind} have no settings; see unsee list {kind}")
    return [setting._asdict() for setting in settings_about(folder, name)]


def description(kind: str, name: str) -> str:
    """Return the docstring of a part, and the grammar of its specification."""
    if kind == "recipes":
        return f"{recipe(name).summary}\n\nUse it as a method: recipe:{name}[:setting=value,...]"
    cls = part(FOLDERS.get(kind, kind), name)
    argument = getattr(cls, "argument", "")
    head = f"{name}:{argument}" if argument else name
    joint = "," if argument else ":"
    usage = f"{head}[{joint}setting=value,...]" if settings(kind, name) else head
    return f"{getdoc(cls)}\n\n{usage}"


def _signature(row: dict[str, str]) -> str:
    """Return a setting with its type and its default."""
    kind = f": {row['type']}" if row["type"] else ""
    default = f" = {row['default']}" if row["default"] else ""
    return f"{row['name']}{kind}{default}"


def _setting(name: str, values: dict[str, object]) -> dict[str, str]:
    """Return a part of a recipe in the form of a setting."""
    texts = [f"{key}={value}" for key, value in values.items() if key != "name"]
    spec = f"{values['name']}{':' if texts else ''}{','.join(texts)}"
    return {"name": name, "type": "", "default": "", "summary": spec}


def _entry(name: str, text: str) -> dict[str, str]:
    return {"name": name, "summary": text.splitlines()[0]}
