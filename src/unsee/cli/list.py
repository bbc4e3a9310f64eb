"""`unsee list`: what there is, with one line for each."""

import json
import sys
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import tyro
from rich.console import Console

from unsee.classifiers.measures import MEASURES
from unsee.errors import unknown
from unsee.evaluation.paper_tables import load, tables
from unsee.recipes import recipe, recipes
from unsee.registry import available, part, summary
from unsee.table import Column, Table

Kind = Literal[
    "methods", "infillers", "classifiers", "metrics", "datasets", "measures", "recipes", "tables",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class List:
    """List what can be named, with a line about each."""

    kind: Annotated[Kind, tyro.conf.Positional]
    """What to list."""
    json: bool = False
    """Print a JSON list of objects with `name` and `summary`."""


def run(arguments: list[str]) -> int:
    """Print the list."""
    named = [word for word in arguments if not word.startswith("-")]
    if named and named[0] not in KINDS:
        raise unknown("kind of part", named[0], KINDS)
    options = tyro.cli(List, prog="unsee list", args=arguments)
    found = entries(options.kind)
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return 0
    columns = [Column("name", "", align="left", style="bold"), Column("summary", "", align="left")]
    table = Table(columns, [(entry["name"], entry["summary"]) for entry in found])
    Console().print(table.terminal())
    return 0


def entries(kind: str) -> list[dict[str, str]]:
    """Name and summary of everything of a kind."""
    if kind == "measures":
        return [_entry(name, m.__doc__ or "") for name, m in MEASURES.items()]
    if kind == "recipes":
        return [_entry(name, recipe(name).summary) for name in recipes()]
    if kind == "tables":
        return [_entry(name, load(name)[1].summary) for name in tables()]
    folder = "sources" if kind == "classifiers" else kind
    rows = []
    for name in available(folder):
        argument = getattr(part(folder, name), "argument", "")
        rows.append(_entry(f"{name}:{argument}" if argument else name, summary(folder, name)))
    return rows


def _entry(name: str, text: str) -> dict[str, str]:
    return {"name": name, "summary": text.splitlines()[0]}
