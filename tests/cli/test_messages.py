"""Messages in the caller's language: options in a shell, arguments in Python."""

import ast
import re
from pathlib import Path

import pytest

import unsee
from tests.cli.conftest import MODEL, QUICK
from unsee.cli import main

PACKAGE = Path(unsee.__file__).parent
OUTSIDE = sorted(p for p in PACKAGE.rglob("*.py") if "cli" not in p.relative_to(PACKAGE).parts)
OPTION = re.compile(r"(?:^|[\s`(])--[a-z]")
ERRORS = {"InputError", "DiskFullError", "unknown", "missing_package", "as_input_error"}


def texts_of_errors(source: str) -> list[str]:
    """Return the literal texts in calls that make errors."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [call for call in calls if getattr(call.func, "id", "") in ERRORS]
    constants = [
        node for call in calls for node in ast.walk(call) if isinstance(node, ast.Constant)
    ]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_the_search_sees_options() -> None:
    assert any(map(OPTION.search, texts_of_errors('raise InputError(f"{x}: pass --out")')))


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_message_outside_the_command_line_names_an_option(path) -> None:
    texts = texts_of_errors(path.read_text(encoding="utf-8"))
    assert [text for text in texts if OPTION.search(text)] == []


def test_overwriting_is_named_as_the_caller_writes_it(photo, tmp_path, capsys) -> None:
    out = str(tmp_path / "out")
    assert main(["explain", str(photo), *QUICK, "--out", out]) == 0
    assert main(["explain", str(photo), *QUICK, "--out", out]) == 2
    assert "overwrite it: --overwrite" in capsys.readouterr().err
    explanation = unsee.explain(MODEL, photo, "random")
    with pytest.raises(unsee.InputError, match="overwrite it: overwrite=True"):
        explanation.save(tmp_path / "out" / "dog")
