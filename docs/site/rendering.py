"""Compare what GitHub and the site make of a Markdown file: lists, tables, code and links."""

import re
from pathlib import Path

from markdown import markdown
from markdown_it import MarkdownIt

ELEMENTS = ("li", "ul", "ol", "tr", "pre", "h1", "h2", "h3", "a", "em", "strong")
"""Elements whose number must be the same."""
EXTENSIONS = [
    "tables", "sane_lists", "attr_list", "md_in_html", "admonition", "pymdownx.betterem",
    "pymdownx.superfences", "pymdownx.highlight",
]  # fmt: skip
"""Extensions of the site that change the structure of a page, as in `zensical.toml`."""


def differences(page: Path) -> list[str]:
    """Return the elements of which CommonMark, as on GitHub, and the site have another number."""
    text = page.read_text(encoding="utf-8")
    github = _counts(MarkdownIt("commonmark").enable("table").render(text))
    site = _counts(markdown(text, extensions=EXTENSIONS))
    return [
        f"{page.name}: {github[name]} <{name}> on GitHub, {site[name]} on the site; write nested "
        "lists with four blanks, and a blank line before each list"
        for name in ELEMENTS
        if github[name] != site[name]
    ]


def _counts(html: str) -> dict[str, int]:
    return {name: len(re.findall(rf"<{name}[ >]", html)) for name in ELEMENTS}
