"""Commands in the documentation name options, methods and in-fillers that exist."""

import re
import shlex
from dataclasses import fields
from importlib import import_module
from itertools import takewhile

import pytest

from tests.docs.pages import PAGES, blocks
from tests.evaluation.runs import ROOT
from unsee.cli import COMMANDS
from unsee.cli.parsing import parse
from unsee.registry import resolve

RESOLVED = {
    "method": "methods",
    "methods": "methods",
    "infiller": "infillers",
    "infillers": "infillers",
    "picture_infiller": "infillers",
    "metrics": "metrics",
    "cells": "cells",
}
"""Options that name parts, and the kind of these."""
RANGE = re.compile(r"=[^:=]+:[^:=]+:")
"""A setting at several values, one for each column."""
OWN = {"own", "none"}
"""Words that name no part."""


def commands() -> list[tuple[str, str]]:
    """Return the commands of all blocks, each with the name of its page.

    Those of extend.md name parts of its own package; `test_extend` runs them.
    """
    lines = []
    for page in [*PAGES, *sorted((ROOT / "docs" / "results").glob("*/README.md"))]:
        for block in blocks(page, "bash"):
            for line in block.text.replace("\\\n", " ").splitlines():
                lines += [(page.name, part) for part in line.split("&&") if "unsee " in part]
    return [(page, line.strip()) for page, line in lines if line.strip().startswith("unsee ")]


class ParsedError(Exception):
    """Ends a command after its options are read."""

    def __init__(self, options: object) -> None:
        self.options = options


def parse_and_stop(*arguments: object, **settings: object) -> None:
    raise ParsedError(parse(*arguments, **settings))


@pytest.mark.parametrize(("page", "command"), [c for c in commands() if c[0] != "extend.md"])
def test_options_and_parts_of_commands_exist(page, command, monkeypatch) -> None:
    _, name, *words = shlex.split(re.sub(r"\$\(\(.*?\)\)", "1", command), comments=True)
    words = list(takewhile(lambda word: word not in {"|", ">"}, words))
    assert name in COMMANDS
    module = import_module(f"unsee.cli.{name.replace('-', '_')}")
    monkeypatch.setattr(module, "parse", parse_and_stop)
    words = [word for word in words if word != "..."]
    if (name, words) == ("train", []):
        return
    with pytest.raises(ParsedError) as stopped:
        module.run(words)
    options = stopped.value.options
    for field in fields(options):
        value = getattr(options, field.name)
        specs = () if field.name not in RESOLVED or not value else value
        for spec in (specs,) if isinstance(specs, str) else specs:
            if spec not in OWN and not RANGE.search(spec):
                resolve(RESOLVED[field.name], spec)


def test_there_are_commands() -> None:
    assert len(commands()) > 50
