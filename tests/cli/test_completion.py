"""`unsee completion`: scripts that the shells themselves run."""

import json
import os
import pty
import select
import shutil
import subprocess
import time

import pytest

from unsee import available
from unsee.cli import COMMANDS, main
from unsee.cli.completion import OPTIONS, commands
from unsee.cli.completion_scripts import SCRIPTS
from unsee.cli.list import KINDS

LINES = {
    "unsee expl": ["explain"],
    "unsee ex": ["explain", "export"],
    "unsee explain --meth": ["--method"],
    "unsee explain --method ti": ["tide"],
    "unsee explain --infiller ima": ["imagined"],
    "unsee explain --fit resize_": ["resize_crop"],
    "unsee evaluate --methods tide ris": ["rise"],
    "unsee evaluate --no-corr": ["--no-correct"],
    "unsee evaluate --metrics auc --plan fido-": ["fido-5", "fido-8"],
    "unsee sanity-labels --training.ep": ["--training.epochs"],
    "unsee train dis": ["distilled"],
    "unsee train casm --save-e": ["--save-every"],
    "unsee list methods fi": ["fido"],
    "unsee explain a.jpg --seed 3 --js": ["--json"],
    "unsee explain pho": ["photos"],
    "unsee explain --target pho": [],
    "unsee explain --deterministic pho": ["photos"],
}
"""Lines that a user has written when pressing the tabulator, and what may follow."""


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


EVERY_SHELL = [pytest.param(shell, marks=needs(shell)) for shell in SCRIPTS]


@pytest.fixture
def script(tmp_path, capsys):
    """Return a function that writes the script of a shell beside a folder `photos`."""
    (tmp_path / "photos").mkdir()

    def write(shell):
        assert main(["completion", shell]) == 0
        path = tmp_path / f"script.{shell}"
        path.write_text(capsys.readouterr().out)
        return path

    return write


def run(tmp_path, *words, **environment):
    return subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
        env=environment or None,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("shell", EVERY_SHELL)
def test_script_has_no_error_of_syntax(shell, script, tmp_path) -> None:
    run(tmp_path, shell, "-n", script(shell))


@needs("bash")
def test_bash_completes_without_another_program(script, tmp_path) -> None:
    path = script("bash")
    assert run(tmp_path, "bash", "-c", f"source {path}; complete -p unsee").strip() == (
        "complete -F _unsee unsee"
    )
    for line, expected in LINES.items():
        words = line.split()
        call = (
            f"source {path}; COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=({line}) "
            f"COMP_CWORD={len(words) - 1}; _unsee unsee '{words[-1]}' '{words[-2]}' && "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        bash = shutil.which("bash")
        assert run(tmp_path, bash, "-c", call, PATH="/nowhere").split() == expected, line


@needs("fish")
def test_fish_completes(script, tmp_path) -> None:
    path = script("fish")
    for line, expected in LINES.items():
        found = run(tmp_path, "fish", "-N", "-c", f"source {path}; complete -C '{line}'")
        names = [row.split("\t")[0].rstrip("/") for row in found.splitlines()]
        assert names == expected, line


class Terminal:
    """An interactive shell."""

    def __init__(self, words, folder) -> None:
        self.stream, shell = pty.openpty()
        self.process = subprocess.Popen(
            words, cwd=folder, stdin=shell, stdout=shell, stderr=shell, start_new_session=True,
            env={**os.environ, "TERM": "dumb", "PS1": "> "},
        )  # fmt: skip
        os.close(shell)

    def type(self, text, until) -> str:
        """Send text; return what the shell shows up to `until`, or all within 30 seconds."""
        os.write(self.stream, text.encode())
        shown, end = "", time.monotonic() + 30
        while until not in shown and time.monotonic() < end:
            if select.select([self.stream], [], [], 0.1)[0]:
                shown += os.read(self.stream, 65536).decode(errors="replace")
        return shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.stream)


@pytest.mark.parametrize(
    ("words", "start"),
    [
        pytest.param(["bash", "--norc", "--noprofile", "-i"], "", marks=needs("bash")),
        pytest.param(
            ["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D;", marks=needs("zsh")
        ),
    ],
)
def test_tabulator_completes_a_line(words, start, script, tmp_path) -> None:
    terminal = Terminal(words, tmp_path)
    try:
        line = f"{start} source {script(words[0])}; echo rea''dy\n"
        assert "ready" in terminal.type(line, "ready")
        for line, expected in {
            **{line: f"{names[0]} " for line, names in LINES.items() if len(names) == 1},
            "unsee explain --method recipe:fido-sd": "recipe:fido-sdr ",
            "unsee explain --classifier tim": "timm:",
            "unsee explain pho": "photos/",
            "unsee explain --deterministic pho": "photos/",
            "unsee evaluate --data voc:pho": "voc:photos/",
        }.items():
            assert expected in terminal.type(f"{line}\t", expected), line
            terminal.type("\x15", "")
    finally:
        terminal.close()


def test_all_commands_and_names_are_completed() -> None:
    assert {name.split()[0] for name in OPTIONS} | {"list"} == set(COMMANDS)
    by_name = {command.name: command for command in commands()}
    assert {f"list {kind}" for kind in KINDS} < by_name.keys()
    for command in by_name.values():
        if " " in command.name or command.name not in {"train", "list"}:
            assert "--json" in [flag for option in command.options for flag in option.flags]
    (methods,) = [o for o in by_name["compare"].options if o.flags == ("--methods",)]
    assert set(available("methods")) < set(methods.values.words)
    assert "recipe:fido-sdr" in methods.values.words


def test_json_document_has_the_script(capsys) -> None:
    assert main(["completion", "fish", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert "complete -c unsee" in content["script"]
    assert main(["completion", "tcsh"]) == 2
    assert "tcsh" in capsys.readouterr().err
