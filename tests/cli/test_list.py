"""`unsee list`: names of parts, and the settings of one."""

import json
from dataclasses import fields

import pytest

from unsee import available
from unsee.cli import main
from unsee.cli.list import KINDS
from unsee.registry import part


@pytest.mark.parametrize("kind", KINDS)
def test_list_names_every_part_with_a_summary(kind, capsys) -> None:
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(set(row) == {"name", "summary"} and row["summary"] for row in rows)
    if kind in {"methods", "infillers", "metrics", "cells"}:
        assert [row["name"].split(":")[0] for row in rows] == available(kind)
    assert main(["list", kind]) == 0
    assert rows[0]["name"].split(":")[0] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("methods", "infillers", "metrics") for name in available(kind)]
    + [("classifiers", name) for name in available("sources")]
    + [(kind, name) for kind in ("datasets", "cells") for name in available(kind)],
)
def test_settings_have_types_and_documentation(kind, name, capsys) -> None:
    assert main(["list", kind, name, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    cls = part("sources" if kind == "classifiers" else kind, name)
    assert [row["name"] for row in rows] == [field.name for field in fields(cls)]
    assert all(row["type"] and row["summary"] for row in rows)


def test_settings_are_printed_with_their_defaults(capsys) -> None:
    assert main(["list", "methods", "fido"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "fido[:setting=value,...]" in text
    assert "mode: ssr | sdr = ssr" in text
    assert main(["list", "recipes", "fido-sdr"]) == 0
    assert "mode=sdr" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["methdos"], "did you mean 'methods'"),
        (["methods", "fidoo"], "did you mean 'fido'"),
        (["tables", "fido-8"], "have no settings"),
    ],
)
def test_unknown_names_are_refused(words, message, capsys) -> None:
    assert main(["list", *words]) == 2
    assert message in capsys.readouterr().err


def test_lists_show_brackets_as_they_are(capsys) -> None:
    assert main(["list", "methods"]) == 0
    assert "E[score(m) m]" in " ".join(capsys.readouterr().out.split())
