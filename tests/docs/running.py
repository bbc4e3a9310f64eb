"""Run the Python of a page as a reader would: files are written, other blocks run in order."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.docs.pages import Block, blocks
from unsee.registry import available, part

FILE = re.compile(r"# ([\w/]+\.py)\n")
"""First line of a block that is a file."""


def file_of(block: Block) -> str | None:
    """Return the name of the file that a block is; None for statements."""
    match = FILE.match(block.text)
    return match[1] if match else None


def write_files(page: Path, folder: Path) -> None:
    """Write the blocks that are files."""
    for block in blocks(page, "python"):
        if name := file_of(block):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(block.text)


def missing_packages(block: Block) -> list[str]:
    """Return the packages that a block imports, or that its methods need, and that are missing."""
    imports = re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE)
    names = set(re.findall(r'"(\w+)[":]', block.text)) & set(available("methods"))
    needs = [part("methods", name).traits.requires for name in names]
    return [name for name in {*imports, *filter(None, needs)} if find_spec(name) is None]


def statements(page: Path, replaced: dict[str, str]) -> Iterator[Block]:
    """Yield the blocks of statements that can run here, with some texts replaced.

    A block that another library needs, which is not installed, is left out.
    """
    for block in blocks(page, "python"):
        if file_of(block) is None and not missing_packages(block):
            text = block.text
            for written, other in replaced.items():
                text = text.replace(written, other)
            yield block._replace(text=text)


def run(page: Path, names: dict[str, object], replaced: dict[str, str]) -> int:
    """Run the statements of a page one after the other and return the number of their blocks."""
    count = 0
    for block in statements(page, replaced):
        code = "\n" * (block.line - 1) + block.text
        exec(compile(code, str(page), "exec"), names)  # errors name the page and its line
        count += 1
    return count
