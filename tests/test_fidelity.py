"""The page about fidelity names existing tests and pages, and says what is missing."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "fidelity.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| item |")
]
AUDIT = ROOT.parent / "shared" / "audit.md"
"""An audit of the papers and the code, item by item."""


def named_tests(text: str) -> list[tuple[str, str]]:
    """Return the files and names of the tests that a cell names."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_is_proven_or_says_what_is_missing(row) -> None:
    item, place, status, proof = row
    assert item
    assert place
    assert not status.startswith("not yet")
    pages = re.findall(r"\]\(([^)]+)\)", proof)
    assert named_tests(proof) or pages
    assert all((PAGE.parent / page).is_file() for page in pages)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_named_tests_exist(row) -> None:
    for file, name in named_tests(row[3]):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name}"


def test_all_five_papers_have_rows() -> None:
    heads = re.findall(r"^## (\w[\w+-]*)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert heads == ["FIDO", "G-methods", "iGOS++", "Variational", "CASM"]
    assert len(ROWS) > 60


def numbers_of(text: str, kind: str) -> set[str]:
    """Return the numbers of figures or tables that a text names: "Figures 1, 3, S8 to S15"."""
    numbers: set[str] = set()
    for match in re.finditer(rf"(?:{kind})s?\.? ((?:S?\d+(?:, | and |/| to |-)?)+)", text):
        spans = re.sub(r"(S?)(\d+)(?: to |-)S?(\d+)", _expanded, match[1])
        numbers |= set(re.findall(r"S?\d+", spans))
    return numbers - {"28", "224"}  # cells of a mask


def _expanded(match: re.Match[str]) -> str:
    return ", ".join(f"{match[1]}{n}" for n in range(int(match[2]), int(match[3]) + 1))


@pytest.mark.skipif(not AUDIT.exists(), reason="the audit is not beside the repository")
@pytest.mark.parametrize("paper", ["FIDO", "G-methods", "iGOS++", "CASM"])
def test_each_figure_and_table_of_the_audit_has_a_row(paper) -> None:
    """An item of the audit that names a figure or table is an item of the page."""

    def section(text: str) -> list[str]:
        (found,) = re.findall(
            rf"^## [^\n]*{re.escape(paper)}[^\n]*$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
        )
        return [line for line in found.splitlines() if line.startswith("| ")]

    rows = "\n".join(section(PAGE.read_text(encoding="utf-8")))
    items = [line.split("|")[1] for line in section(AUDIT.read_text(encoding="utf-8"))]
    assert len(items) > 15
    for kind in ("Fig(?:ure)?", "Table"):
        wanted = set().union(*(numbers_of(item, kind) for item in items))
        assert wanted <= numbers_of(rows, kind), kind
