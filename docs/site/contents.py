"""The contents of the site: its navigation, and `llms.txt`."""

import re
from html import unescape
from pathlib import Path

from docs.site.reference import MODULES

from unsee.registry import available

SECTIONS = {
    "Start": [
        "index.md", "why.md", "tutorial.md", "studio.md", "notebooks/first_map.md",
        "notebooks/find_a_shortcut.md", "notebooks/compare_methods.md",
    ],
    "Guides": [
        "choose.md", "trust.md", "usage.md", "tasks.md", "infillers.md", "metrics.md", "audit.md",
        "training.md", "imagenet.md", "cluster.md", "extend.md", "migrate.md", "papers.md",
        "troubleshooting.md",
    ],
    "Parts": [
        "parts/methods.md", "parts/infillers.md", "parts/metrics.md", "parts/datasets.md",
        "parts/classifiers.md", "parts/cells.md", "parts/measures.md", "parts/recipes.md",
        "parts/plans.md",
    ],
    "Reference": [
        "reference/unsee.md", *(f"reference/{name}.md" for name in MODULES),
        "reference/commands.md", "reference/messages.md",
    ],
    "Results": ["results.md", "truth.md", "fidelity.md"],
}  # fmt: skip
"""Pages of each section, in their order."""
METHODS = "parts/methods.md"
"""Page below which the pages of the methods are listed."""
LINKED = ("gallery/", "results/")
"""Folders of pages that are reached by links only."""
SUMMARY = (
    "Find the image regions that a classifier's decision depends on, by replacing them with "
    "plausible content. A Python library and a command line for PyTorch."
)


def navigation() -> list[object]:
    """Return the sections of the site with their pages."""
    return [{title: [_with_methods(page) for page in pages]} for title, pages in SECTIONS.items()]


def _with_methods(page: str) -> object:
    if page != METHODS:
        return page
    return {"Methods": [page, *(f"parts/methods/{name}.md" for name in available("methods"))]}


def check_all_listed(folder: Path) -> None:
    """Raise `ValueError` for a page of the folder that no section lists, or that is missing."""
    listed = {page for pages in SECTIONS.values() for page in pages}
    listed |= {f"parts/methods/{name}.md" for name in available("methods")}
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    written = {page for page in written if not page.startswith(LINKED)}
    if listed != written:
        raise ValueError(f"pages and docs/site/contents.py differ: {sorted(listed ^ written)}")


def llms_text(folder: Path) -> str:
    """Return the text of `llms.txt`: title, summary, and a line for each page.

    See https://llmstxt.org.
    """
    lines = ["# unsee", "", f"> {SUMMARY}"]
    for title, pages in SECTIONS.items():
        lines += ["", f"## {title}", ""]
        for page in pages:
            lines.append(_line(folder, page))
            if page == METHODS:
                lines += [_line(folder, f"parts/methods/{n}.md") for n in available("methods")]
    return "\n".join(lines) + "\n"


def _line(folder: Path, page: str) -> str:
    """Return the link to a page with its title and its first sentence."""
    text = (folder / page).read_text(encoding="utf-8")
    title, _, rest = text.removeprefix("# ").partition("\n")
    paragraphs = [p.strip() for p in rest.split("\n\n") if p.strip()]
    paragraph = next((p for p in paragraphs if not re.match(r"[!|#:>-]|```", p)), "")
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", unescape(" ".join(paragraph.split())))
    plain = re.sub(r"^\*\*[^*]+\.\*\* ", "", plain).replace("**", "")
    sentence = re.split(r"(?<=[.:!?])\s+(?=[A-Z`(])", plain)[0].rstrip(":")
    return f"- [{title}]({page.removesuffix('.md')}.html)" + (f": {sentence}" if sentence else "")
