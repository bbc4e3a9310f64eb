"""Pages of methods, in-fillers, metrics and the other parts, from the registry."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

from docs.site.links import DOCS
from docs.site.papers import comparison

from unsee.classifiers.measures import MEASURES
from unsee.cli.list import FOLDERS, entries, settings
from unsee.errors import PACKAGES
from unsee.evaluation.paper_tables import load
from unsee.methods.base import MaskOptimizer
from unsee.recipes import recipe, recipes
from unsee.registry import part, summary

PICTURES = DOCS / "methods"
"""Folder of a picture for each method, and of the passes that each takes."""
PASSES = PICTURES / "passes.json"
"""Forward passes of each method with its default settings, and those with a gradient; no number of
forward passes where a line search makes it depend on the photo."""
STOPPING = ("mp2",)
"""Methods that stop when the score is at chance."""
PICTURE_TEXT = (
    "The photo and the map for its predicted class, *espresso*, of EfficientNet-Lite0 with "
    '`budget="fast"` (300 passes; methods of fixed cost keep theirs). Bright pixels rank highest.'
)
WITHOUT_NAMES = {
    "show_root_heading": "false",
    "show_root_toc_entry": "false",
    "show_bases": "false",
    "show_signature": "false",
    "members": "[]",
}
"""Options of mkdocstrings under which only the text of a docstring is shown."""
KINDS = {
    "infillers": ("In-fillers", "What removed pixels show: `--infiller NAME[:setting=value,...]`."),
    "metrics": ("Metrics", "Ratings of maps: `--metrics NAME[:setting=value,...]`."),
    "datasets": (
        "Data sets",
        "Layouts of labelled photos: `--data DATASET:PATH[,setting=value,...]`, or a path alone.",
    ),
    "classifiers": (
        "Classifier sources",
        "Where classifiers come from: `--classifier SOURCE[:ARGUMENT][,setting=value,...]`.",
    ),
    "cells": (
        "Cells",
        "What masks keep or remove as a whole: `--cells NAME[:setting=value,...]`.",
    ),
}
"""Title and first line of the page of each kind but methods."""


class Page(NamedTuple):
    """A page of the site."""

    path: str
    """Path below the folder of the sources."""
    text: str


def pages() -> Iterator[Page]:
    """Yield the page of each method, and one page of each other kind of part."""
    names = [row["name"] for row in entries("methods")]
    yield Page("parts/methods.md", _methods())
    for name in names:
        yield Page(f"parts/methods/{name}.md", _method(name))
    for kind, (title, first) in KINDS.items():
        yield Page(f"parts/{kind}.md", _kind(kind, title, first))
    yield Page("parts/measures.md", _measures())
    yield Page("parts/recipes.md", _recipes())
    yield Page("parts/plans.md", _plans())


def _methods() -> str:
    """Return the overview of the methods."""
    rows = [
        (f"[`{row['name']}`](methods/{row['name']}.md)", escape(row["summary"]), _cost(row["name"]))
        for row in entries("methods")
    ]
    return (
        "# Methods\n\nA method makes a map: `--method NAME[:setting=value,...]`. Passes are "
        "forward passes per photo with default settings, and how many of them have a gradient.\n\n"
        + table(("method", "what it does", "passes"), rows)
        + f"\n## Maps\n\n{PICTURE_TEXT}\n\n{_gallery()}"
    )


def _gallery() -> str:
    """Return the pictures of all methods, each with a link to its page."""
    figures = [
        f'<a href="methods/{path.stem}.html"><img src="../methods/{path.name}" loading="lazy" '
        f'alt="Photo and map of {path.stem}">{path.stem}</a>'
        for path in sorted(PICTURES.glob("*.jpg"))
    ]
    return f'<div class="gallery">\n{"".join(figures)}\n</div>\n'


def _method(name: str) -> str:
    """Return the page of a method."""
    cls = part("methods", name)
    picture = PICTURES / f"{name}.jpg"
    shown = (
        f"![Photo and map of {name}](../../methods/{name}.jpg)\n\n{PICTURE_TEXT}\n\n"
        if picture.exists()
        else ""
    )
    spec = _example(name)
    return (
        f"# {name}\n\n{escape(summary('methods', name))}\n\n{shown}"
        f"```bash\nunsee explain dog.jpg --method {spec}\n```\n\n"
        f'```python\nunsee.explain(classifier, "dog.jpg", "{spec}")\n```\n\n'
        f"## Properties\n\n{table(('property', 'value'), _traits(name, cls))}\n"
        f"## Settings\n\n{settings_table('methods', name)}\n"
        f"## Definition\n\n{docstring(cls)}{comparison(name)}"
    )


def _example(name: str) -> str:
    """Return a specification of a method with one of its settings, where it has any."""
    rows = [row for row in settings("methods", name) if row["default"] not in {"", "None"}]
    preferred = [row for row in rows if row["name"] in {"steps", "samples"}] or rows
    return f"{name}:{preferred[0]['name']}={preferred[0]['default']}" if preferred else name


def _traits(name: str, cls: type[Any]) -> list[tuple[str, str]]:
    """Return what a method needs, its defaults and the recipes that use it."""
    traits = cls.traits
    infiller, its_settings = traits.infiller
    texts = ",".join(f"{key}={value}" for key, value in its_settings.items())
    black_box = "no" if traits.needs_gradient or traits.needs_module else "yes"
    needs = [
        text
        for text, is_needed in (
            ("gradients of the classifier", traits.needs_gradient),
            ("a torch module, whose layers it reads", traits.needs_module),
            ("trained weights", traits.needs_weights),
            (f"the package `{_package(traits.requires)}`", traits.requires),
        )
        if is_needed
    ]
    using = [made for made in map(recipe, recipes()) if made.method["name"] == name]
    rows = [
        ("default in-filler", f"`{infiller}{':' if texts else ''}{texts}`"),
        ("default measure", f"`{traits.measure}`"),
        ("needs", "; ".join(needs) or "a function that returns scores"),
        ("explains a black box", black_box),
        ("takes `--cells`", "yes" if traits.cells else "no"),
        ("passes with default settings", _cost(name)),
    ]
    if issubclass(cls, MaskOptimizer) and not _is_abstract(cls):
        rows.append(("passes of one step", str(cls().passes)))
    if using:
        links = ", ".join(f"[{made.name}](../recipes.md#{made.name})" for made in using)
        rows.append(("recipes", links))
    return rows


def _is_abstract(cls: type[Any]) -> bool:
    """Return whether a class cannot be made without arguments."""
    return any(row["default"] == "" for row in settings("methods", cls.__module__.split(".")[-1]))


def _package(requires: str | None) -> str:
    """Return the name under which a package is installed."""
    return PACKAGES.get(requires or "", requires or "")


def _cost(name: str) -> str:
    """Return the passes of a method in words; nothing where they were not counted."""
    counts = json.loads(PASSES.read_text(encoding="utf-8")) if PASSES.exists() else {}
    if name not in counts:
        return "not counted"
    forwards, backwards = counts[name]
    if forwards is None:
        return f"{backwards} with gradient, and those of a line search"
    most = "at most " if name in STOPPING else ""
    return most + (f"{forwards} ({backwards} with gradient)" if backwards else f"{forwards}")


def _kind(kind: str, title: str, first: str) -> str:
    """Return the page of all parts of a kind."""
    rows = entries(kind)
    names = [row["name"].partition(":")[0] for row in rows]
    overview = table(
        ("name", "what it is"),
        [
            (f"[`{row['name']}`](#{name})", escape(row["summary"]))
            for name, row in zip(names, rows, strict=True)
        ],
    )
    folder = FOLDERS.get(kind, kind)
    sections = [
        f"## {name}\n\n{docstring(part(folder, name))}\n{settings_table(kind, name)}"
        for name in names
    ]
    return f"# {title}\n\n{first}\n\n{overview}\n" + "\n".join(sections)


def _measures() -> str:
    """Return the page of the measures."""
    rows = [(f"`{row['name']}`", escape(row["summary"])) for row in entries("measures")]
    sections = "\n".join(f"## {name}\n\n{docstring(measure)}" for name, measure in MEASURES.items())
    return (
        "# Measures\n\nThe number of the classifier's output that a map explains: `--measure "
        f"NAME`.\n\n{table(('name', 'what it is'), rows)}\n{sections}"
    )


def _recipes() -> str:
    """Return the page of the recipes."""
    sections = []
    for made in map(recipe, recipes()):
        rows = [(row["name"], f"<code>{_cell(row['summary'])}</code>") for row in settings(
            "recipes", made.name)]  # fmt: skip
        sections.append(
            f"## {made.name}\n\n{escape(made.summary)}\n\n```bash\nunsee explain dog.jpg --method "
            f"recipe:{made.name}\n```\n\n{table(('part', 'settings'), rows)}"
        )
    return (
        "# Recipes\n\nA recipe is a method with published settings, its in-filler and its measure. "
        "It takes the place of a method: `--method recipe:NAME[:setting=value,...]`.\n\n"
        + "\n".join(sections)
    )


def _plans() -> str:
    """Return the page of the plans."""
    sections = []
    for row in entries("tables"):
        file = load(row["name"])
        stages = ", ".join(f"`{stage.name}`" for stage in file.stages)
        lists = [
            (key, " ".join(f"`{value}`" for value in file.settings[key]))
            for key in ("methods", "infillers", "metrics")
            if key in file.settings
        ]
        rows = [*lists, *([("stages", stages)] if stages else [])]
        sections.append(
            f"## {row['name']}\n\n{escape(row['summary'])}\n\n```bash\nunsee evaluate --plan "
            f"{row['name']} --data DATA --out run\n```\n\n{table(('setting', 'values'), rows)}"
        )
    return (
        "# Plans\n\nA plan holds the settings of `unsee evaluate`, published numbers and the "
        "claims of a paper: `--plan NAME`.\n\n" + "\n".join(sections)
    )


def settings_table(kind: str, name: str) -> str:
    """Return the table of a part's settings, as `unsee list` prints them."""
    rows = [
        (
            f"<code>{_cell(row['name'])}</code>",
            f"<code>{_cell(row['type'])}</code>",
            f"<code>{_cell(row['default'])}</code>" if row["default"] else "",
            _cell(row["summary"], code=True),
        )
        for row in settings(kind, name)
    ]
    return table(("setting", "type", "default", "meaning"), rows) if rows else "No settings.\n"


def docstring(item: Any) -> str:
    """Return the directive that shows the docstring of a class or a function."""
    options = "".join(f"      {key}: {value}\n" for key, value in WITHOUT_NAMES.items())
    return f"::: {item.__module__}.{item.__qualname__}\n    options:\n{options}"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(text: str, *, code: bool = False) -> str:
    """Return a text for a cell; with `code`, names in backticks are shown as code."""
    pieces = escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;").split("`")
    if not code:
        return "`".join(pieces)
    return "".join(
        f"<code>{piece}</code>" if number % 2 and number < len(pieces) - 1 else piece
        for number, piece in enumerate(pieces)
    )
