"""Each method's docstring, from which its page is made, has a formula and a reference."""

import inspect
import re

import pytest

from unsee import available
from unsee.registry import part

BLOCK = re.compile(r"^ {4}(?![-\s]).*[=+(|\[]", re.MULTILINE)
"""A line of an indented formula; items of lists and their continuations are none."""
SENTENCE = re.compile(r"\bThe map is (?=[^.:]*?(?:\w\(|\||/| ~ | [-=] \w))")
"""A formula within a sentence."""
REFERENCE = re.compile(r"^References?: .{,400}?https://|\bthis project\b", re.DOTALL | re.MULTILINE)
CONTROLS = ("box", "random")
"""Methods that follow no publication."""


@pytest.mark.parametrize("name", available("methods"))
def test_docstring_has_a_formula_and_a_reference(name):
    text = inspect.getdoc(part("methods", name))
    assert BLOCK.search(text) or SENTENCE.search(text), f"{name}: no formula"
    assert REFERENCE.search(text) or name in CONTROLS, f"{name}: no reference"


@pytest.mark.parametrize(
    "text",
    ["Draw maps.\n\nThe map is good.", "Do it.\n\nDepartures:\n    - One (a)\n      is two."],
)
def test_prose_is_no_formula(text):
    assert not BLOCK.search(text)
    assert not SENTENCE.search(text)
