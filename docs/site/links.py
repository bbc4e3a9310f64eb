"""Links of Markdown files: find them, check them, and point them to where the site has the file."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REPOSITORY = "https://github.com/unsee/unsee"
"""Address of files that the site does not have."""
ELSEWHERE = "elsewhere"
"""Folder of the site with the pictures that pages show and that it does not have otherwise."""
NOTEBOOK = ".ipynb"
BLOCK = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
"""A block of code."""
CODE = re.compile(rf"{BLOCK.pattern}|`[^`\n]+`", re.MULTILINE | re.DOTALL)
"""Code, in which nothing is a link."""
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^()\s]+)\)")
"""A link or a picture, possibly with a picture as its text."""
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
"""A heading."""


class Link(NamedTuple):
    """A relative link of a page."""

    page: Path
    target: str
    path: Path
    """File or folder that the link names; the page itself for `#anchor`."""
    anchor: str


def relative_links(page: Path) -> Iterator[Link]:
    """Yield the links of a page to files and anchors of the repository."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        yield from _inner_links(page, match["text"])
        if link := _link(page, match["target"]):
            yield link


def problems(page: Path) -> list[str]:
    """Return the links of a page whose file or heading does not exist."""
    missing = []
    for link in relative_links(page):
        if not link.path.exists():
            missing.append(f"{page.name}: no file {link.target}")
        elif link.anchor and link.path.suffix == ".md" and link.anchor not in anchors(link.path):
            missing.append(f"{page.name}: no heading {link.target}")
    return missing


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {slug(heading) for heading in HEADING.findall(text)}


def slug(heading: str, separator: str = "-") -> str:
    """Return the anchor of a heading: lower case, without punctuation, blanks as hyphens."""
    plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return plain.strip().replace(" ", separator)


def pictures_elsewhere(page: Path, is_in_site: Callable[[Path], bool]) -> set[Path]:
    """Return the pictures that a page shows and that the site does not have otherwise."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    shown = [
        _link(page, match["target"]) for match in LINK.finditer(text) if match["text"][0] == "!"
    ]
    return {link.path for link in shown if link and not is_in_site(link.path)}


def for_site(page: Path, is_in_site: Callable[[Path], bool], text: str | None = None) -> str:
    """Return a page's text, in which links to files that the site lacks lead to the repository.

    Links to notebooks lead to their pages. Pictures that the site lacks are in the folder
    `ELSEWHERE`.

    Args:
        page: A Markdown file or a notebook below `docs`.
        is_in_site: Whether a file is copied to the site.
        text: Text of the page; by default that of the file.
    """

    def changed(match: re.Match[str]) -> str:
        name = LINK.sub(changed, match["text"]) if "](" in match["text"] else match["text"]
        link = _link(page, match["target"])
        if link is None or is_in_site(link.path):
            return f"{name}({match['target']})"
        if link.path.suffix == NOTEBOOK and link.path.is_relative_to(DOCS):
            return f"{name}({match['target'].replace(NOTEBOOK, '.md')})"
        if name.startswith("!"):
            top = "../" * len(page.relative_to(DOCS).parent.parts)
            return f"{name}({top}{ELSEWHERE}/{link.path.name})"
        kind = "tree" if link.path.is_dir() else "blob"
        anchor = f"#{link.anchor}" if link.anchor else ""
        return f"{name}({REPOSITORY}/{kind}/main/{link.path.relative_to(ROOT).as_posix()}{anchor})"

    text = page.read_text(encoding="utf-8") if text is None else text
    parts, start = list[str](), 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(changed, text[start : code.start()]), code.group()]
        start = code.end()
    return "".join([*parts, LINK.sub(changed, text[start:])])


def _inner_links(page: Path, text: str) -> Iterator[Link]:
    """Yield the link of a picture that is the text of a link."""
    for match in LINK.finditer(text):
        if link := _link(page, match["target"]):
            yield link


def _link(page: Path, target: str) -> Link | None:
    """Return a relative link; None for an address."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return None
    path, _, anchor = target.partition("#")
    return Link(page, target, (page.parent / path).resolve() if path else page, anchor)
