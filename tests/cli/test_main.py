"""The program itself: commands, version, help and exit status."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import QUICK
from unsee import InputError
from unsee.cli import COMMANDS, STATUSES, console, main

ROOT = Path(__file__).parents[2]


def test_unknown_commands_and_missing_photos(tmp_path, capsys) -> None:
    assert main(["explian", "x.jpg"]) == 2
    assert "did you mean 'explain'" in capsys.readouterr().err
    assert main(["explain", str(tmp_path)]) == 2
    assert "no photos" in capsys.readouterr().err
    assert main(["explain"]) == 2
    assert "at least one photo" in capsys.readouterr().err
    assert main(["compare"]) == 2
    assert "expected PHOTO" in capsys.readouterr().err


def test_documentation_and_usage_have_all_exit_statuses(capsys) -> None:
    text = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
    table = text.partition("| exit status | meaning |")[2].partition("\n\n")[0]
    documented = {
        int(status): meaning.replace("`", "").split(":")[0].split(".")[0]
        for status, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE)
    }
    assert documented.keys() == STATUSES.keys()
    for status, meaning in STATUSES.items():
        assert documented[status] in meaning
    assert main([]) == 0
    usage = capsys.readouterr().out.partition("exit status:\n")[2]
    for status, meaning in STATUSES.items():
        assert re.search(rf"^ +{status}  {re.escape(meaning)}$", usage, re.MULTILINE)


def test_each_exit_status_is_returned(capsys, monkeypatch) -> None:
    def ending(error):
        def command() -> int:
            raise error

        return command

    monkeypatch.setenv("UNSEE_DEBUG", "0")
    statuses = [
        console.status_of(command)
        for command in (
            lambda: 0, lambda: 1, ending(InputError("x")), ending(TypeError("x")),
            ending(KeyboardInterrupt()),
        )
    ]  # fmt: skip
    assert statuses == list(STATUSES)
    capsys.readouterr()


def test_usage_names_all_commands(capsys) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])
def test_help_is_readable(command, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for unreadable in ("[[", "{None}", "(default: )", "(default: None)", "STR"):
        assert unreadable not in text


def test_as_a_program(photo, tmp_path) -> None:
    command = [sys.executable, "-m", "unsee", "explain", str(photo), *QUICK]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    version = subprocess.run(
        [sys.executable, "-m", "unsee", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("unsee 0")


def test_matplotlibrc_of_the_working_folder_is_not_read(tmp_path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    code = "from unsee.cli import main; main(['--version']); import matplotlib, os; "
    code += "print(matplotlib.rcParams['text.usetex'], os.getcwd())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == f"False {tmp_path.resolve()}"
