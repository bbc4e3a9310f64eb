"""Error messages that the documentation explains are messages of the package."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from docs.site import messages

import unsee
from tests.evaluation.runs import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
VARIABLE = messages.VARIABLE


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
        if isinstance(node, ast.Constant | ast.JoinedStr) and (text := messages.template(node)):
            yield text


@pytest.mark.parametrize("message", quoted())
def test_each_message_is_one_of_the_package(message) -> None:
    assert any(message.strip(f"{VARIABLE} ") in text for text in texts())


def test_the_page_has_messages_and_a_wrong_one_is_seen() -> None:
    assert len(quoted()) > 80
    assert not any("the model is in a bad mood" in text for text in texts())


def test_the_page_of_the_site_has_all_messages() -> None:
    (page,) = messages.pages()
    rows = [line for line in page.text.splitlines() if line.startswith("| <code>")]
    assert len(rows) == len(messages.messages()) > 500
    assert all(row.count(" | ") == 1 for row in rows)
    assert "| <code>…: matches no file</code> | `unsee.images.finding` |" in rows


def test_templates_of_expressions() -> None:
    code = 'raise InputError(f"a {x!r:.4}{y}" + " <b> | {z}" + more())'
    (text,) = messages._messages(ast.parse(code))
    assert text == "a … <b> | …"
    assert messages._cell(text) == "<code>a … &lt;b&gt; &#124; …</code>"
