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
NOT_YET = (
    "gallery of strips", "cleaning and retraining", "there is no trainer",
    "the published encoder is not trained",
)  # fmt: skip
"""What is missing, in the words of the page."""


def named_tests(text: str) -> list[tuple[str, str]]:
    """Return the files and names of the tests that a cell names."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_row_is_proven_or_says_what_is_missing(row) -> None:
    item, place, status, proof = row
    assert item
    assert place
    if status.startswith("not yet: "):
        assert any(words in status for words in NOT_YET)
        return
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
