"""The page of all error messages, from the source of the package."""

import ast
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from docs.site.parts import Page

import unsee
from unsee import errors

VARIABLE = "…"
"""In place of names and numbers."""
PACKAGE = Path(unsee.__file__).parent
ERRORS = {
    name
    for name, item in vars(errors).items()
    if isinstance(item, type) and issubclass(item, errors.InputError)
}
"""Names of the classes whose texts a user reads."""
HEADINGS = {
    "": "All commands and classes", "audits": "Audits", "cells": "Cells",
    "classifiers": "Classifiers", "cli": "Command line", "datasets": "Data sets",
    "evaluation": "Runs", "images": "Photos", "infillers": "In-fillers",
    "integrations": "Other libraries", "masking": "Masks", "methods": "Methods",
    "metrics": "Metrics", "networks": "Networks", "registry": "Names and settings",
    "reports": "Reports", "results": "Results of a photo", "sources": "Sources of classifiers",
    "studio": "Studio", "training": "Training",
}  # fmt: skip
"""Headings of the packages of `unsee`."""
INTRODUCTION = (
    "Each message says what was expected, what came, and how to mend it; `…` stands for names and "
    "numbers. The messages that need more words are on the page "
    "[Error messages](../troubleshooting.md). In Python they are the text of an "
    "`unsee.errors.InputError`, which is a `ValueError`."
)


class Message(NamedTuple):
    """A message of an error, and the module that raises it."""

    text: str
    module: str


def pages() -> Iterator[Page]:
    """Yield the page of all messages."""
    by_package: dict[str, list[Message]] = {}
    for message in messages():
        by_package.setdefault(_package(message.module), []).append(message)
    sections = [
        "\n".join(
            [
                f"## {HEADINGS[package]}\n", "| message | raised in |", "|---|---|",
                *(f"| {_cell(text)} | `{module}` |" for text, module in sorted(rows)),
            ]
        )
        for package, rows in sorted(by_package.items())
    ]  # fmt: skip
    text = "\n\n".join(["# All error messages", INTRODUCTION, *sections])
    yield Page("reference/messages.md", f"{text}\n")


def messages() -> list[Message]:
    """Return all messages of the package, each once for a module."""
    raised = {
        Message(text, _module(path))
        for path in sorted(PACKAGE.rglob("*.py"))
        for text in _messages(ast.parse(path.read_text(encoding="utf-8")))
    }
    return sorted(raised)


def _messages(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of the errors that are made in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in ERRORS:
            text = template(node.args[0])
            if text.strip(f"{VARIABLE}: "):
                yield text


def template(node: ast.AST) -> str:
    """Return the text of an expression, with `VARIABLE` in place of what it does not say."""
    match node:
        case ast.Constant(value=str(text)):
            result = text
        case ast.JoinedStr(values=values):
            result = "".join(map(template, values))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            result = template(left) + template(right)
        case _:
            result = VARIABLE
    return re.sub(f"{VARIABLE}+", VARIABLE, re.sub(r"\{\w+\}", VARIABLE, result))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _package(module: str) -> str:
    """Return the part of a module's name that has a heading."""
    name = module.removeprefix("unsee").strip(".").partition(".")[0]
    return name if name in HEADINGS else ""


def _cell(text: str) -> str:
    """Return a text as code in a cell of a table."""
    plain = escape(" ".join(text.split()), quote=False).replace("|", "&#124;")
    return f"<code>{plain}</code>"
