"""Blocks of code of the pages that users read."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.evaluation.runs import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
"""A fenced block with its language; in a list it is indented."""


class Block(NamedTuple):
    """A block of code."""

    page: Path
    line: int
    """Number of its first line."""
    text: str


def blocks(page: Path, language: str) -> list[Block]:
    """Return the blocks of a language in a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start(3)) + 1,
            re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE),
        )
        for match in BLOCK.finditer(text)
        if match[2] == language
    ]
