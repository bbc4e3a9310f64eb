"""Names and phrases that were replaced by standard terms do not come back."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = sorted((ROOT / "src").rglob("*.py"))
PROSE = sorted(
    path
    for pattern in (
        "*.md", "docs/*.md", "src/**/*.md", "src/**/*.py", "src/**/*.toml", "tests/**/*.py",
        "benchmarks/*.py", "benchmarks/**/*.md", "examples/*.py",
    )
    for path in ROOT.glob(pattern)
    if path != Path(__file__)
)  # fmt: skip

NAMES = frozenset(
    [
        "as_maps",
        "Findings",
        "judge",
        "floor",
        "by_chunks",
        "rule",
        "Update",
        "Settle",
        "settle",
        "hills",
        "landscape",
        "landscapes",
        "foothills",
        "haste",
        "water",
        "averages",
        "learned",
        "looks",
        "witnesses",
        "rival",
        "Scene",
        "chances",
        "Game",
        "MaskGame",
        "CasmGame",
        "shortcoming",
        "Stages",
        "Evident",
        "rows_of",
        "Near",
        "Everywhere",
        "Brought",
        "Finish",
        "laid",
        "swaying",
        "way",
        "ways",
        "Schooling",
        "Pupil",
        "Beside",
        "Known",
        "complain",
        "WARM",
        "HASTE",
        "MEMORY",
        "FEW",
        "SELDOM",
        "MOST",
        "PACE",
        "FREE",
        "SWAY",
        "TURNS",
        "PATIENCE",
        "TOGETHER",
        "FOOTHILLS",
        "found",
        "known",
        "chosen",
        "asked",
        "given",
        "past",
        "see",
        "hide",
        "INK",
        "FAINT",
        "PAPER",
        "Cut",
        "Scored",
        "at_a_time",
        "drawn",
        "evident",
        "filler",
        "fillers",
    ]
)
"""Identifiers that are bound nowhere in the package."""

PHRASES = (
    "had it plausibly not been there",
    "rounds otherwise and finds",
    "goes on where it was",
    "any with any method",
    "weights that you bring",
    "hardly falls",
    "Beside peers",
    "Beside the papers",
    "leave it nothing",
    "as far as its kernels",
    "What the runs say",
    "water level",
    "Any height will do",
    "Roll on.",
    '"""Torch' + "'s.",
    "Ask OpenCV",
    "What an explanation comes to",
    "forget what they learned",
    "is there twice",
    "cannot be had",
    "no method is called",
    "does not feel its batch",
    "words that are no choice",
    "At rest.",
    '"""Of each image.',
)


def bound_names(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.keyword) and node.arg:
            names.add(node.arg)
    return names


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_retired_name_is_bound(path) -> None:
    assert not bound_names(ast.parse(path.read_text(encoding="utf-8"))) & NAMES


def test_no_retired_phrase_is_written() -> None:
    hits = [
        f"{path.relative_to(ROOT)}: {phrase}"
        for path in PROSE
        for phrase in PHRASES
        if phrase.lower() in re.sub(r"\s+", " ", path.read_text(encoding="utf-8")).lower()
    ]
    assert not hits, "\n".join(hits)
