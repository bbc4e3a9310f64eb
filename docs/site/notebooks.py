"""Notebooks as pages of the site: text, code and stored results, with pictures as files."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docs.site.links import DOCS, REPOSITORY, ROOT, for_site

FOLDER = DOCS / "notebooks"
PICTURES = {"image/jpeg": "jpg", "image/png": "png"}
"""Suffix of the file of each kind of picture."""
EMBEDDED = re.compile(r"data:(image/(?:jpeg|png));base64,([A-Za-z0-9+/=\s]+)")
"""A picture within HTML."""
MOST_CHARACTERS = 1500
"""Characters of a result that the page shows; what prints itself may be long."""


@dataclass
class NotebookPage:
    """A page, and its pictures by the names of their files."""

    name: str
    """Name of the notebook without its suffix."""
    text: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def add_picture(self, kind: str, data: str) -> str:
        """Keep a picture and return the name of its file."""
        name = f"{self.name}-{len(self.pictures) + 1}.{PICTURES[kind]}"
        self.pictures[name] = base64.b64decode(data)
        return name


def notebooks() -> list[Path]:
    """Return the notebooks of the documentation."""
    return sorted(FOLDER.glob("*.ipynb"))


def page(path: Path, is_in_site: Callable[[Path], bool]) -> NotebookPage:
    """Return a notebook as a page; its links lead to pages of the site, as `for_site` says."""
    made = NotebookPage(path.stem)
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code":
            parts += [fenced(source, "python"), *_results(cell["outputs"], made)]
    address = f"{REPOSITORY}/blob/main/{path.relative_to(ROOT).as_posix()}"
    parts.append(f"This page is the notebook [{path.name}]({address}) with its stored results.")

    def exists(file: Path) -> bool:
        return file.name in made.pictures or is_in_site(file)

    made.text = for_site(path, exists, "\n\n".join(parts) + "\n")
    return made


def fenced(text: str, language: str) -> str:
    """Return a block of code, whose fence is longer than those within it."""
    fence = max(["``", *re.findall(r"^`{3,}", text, re.MULTILINE)], key=len) + "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _results(outputs: list[dict[str, Any]], made: NotebookPage) -> Iterator[str]:
    """Yield the results of a cell as Markdown; of each the first kind that a page can show."""
    for output in outputs:
        data = {kind: "".join(value) for kind, value in output.get("data", {}).items()}
        picture = next((kind for kind in PICTURES if kind in data), None)
        if picture:
            name = made.add_picture(picture, data[picture])
            yield f"![Picture that the code above draws]({name})"
        elif "text/html" in data:
            yield from _html(data["text/html"], made)
        elif "text/markdown" in data:
            yield data["text/markdown"]
        else:
            yield from _text("".join(output.get("text", data.get("text/plain", ""))))


def _html(html: str, made: NotebookPage) -> Iterator[str]:
    """Yield HTML with its pictures as files; without blank lines, which would end its block."""
    linked = EMBEDDED.sub(lambda match: made.add_picture(match[1], match[2]), html)
    if lines := [line for line in linked.splitlines() if line.strip()]:
        yield "\n".join(lines)


def _text(text: str) -> Iterator[str]:
    """Yield a text that a cell prints."""
    if text.strip():
        cut = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} ..."
        yield fenced(cut, "text")
