"""Error messages that the documentation explains are messages of the package."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import unsee
from tests.evaluation.runs import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
VARIABLE = "…"
"""In place of names and numbers."""


def quoted() -> list[str]:
    """Return the messages in the first column of the page's tables."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    return [re.match(r"\| `(.*?)` \|", row)[1] for row in rows]


@cache
def texts() -> list[str]:
    """Return all texts of the package; values in them are `VARIABLE`."""
    return [
        text
        for path in Path(unsee.__file__).parent.rglob("*.py")
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
    ]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = [v.value if isinstance(v, ast.Constant) else VARIABLE for v in node.values]
            yield re.sub(f"{VARIABLE}+", VARIABLE, "".join(values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w+\}", VARIABLE, node.value)


@pytest.mark.parametrize("message", quoted())
def test_each_message_is_one_of_the_package(message) -> None:
    assert any(message.strip(f"{VARIABLE} ") in text for text in texts())


def test_the_page_has_messages_and_a_wrong_one_is_seen() -> None:
    assert len(quoted()) > 80
    assert not any("the model is in a bad mood" in text for text in texts())
