"""A result that is complete is not replaced by one that is not."""

import errno
import os

import pytest

from tests.cli.conftest import MODEL
from unsee import InputError
from unsee.cli import explain_options, keeping, main
from unsee.evaluation import infilling, label_randomisation, parameter_randomisation
from unsee.results import comparison
from unsee.storage import folders
from unsee.storage.folders import new_folder, write_manifest

KEPT = "out: the earlier result is kept; what this command computed is not written"


def content_of(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def raising(error, function, number):
    """Return a function that raises an error at its call of a number."""
    calls = []

    def call(*arguments, **settings):
        calls.append(1)
        if len(calls) == number:
            raise error
        return function(*arguments, **settings)

    return call


def layers_until(error):
    check = parameter_randomisation.check

    def layers(*arguments, **settings):
        steps = check(*arguments, **settings)
        yield next(steps)
        yield next(steps)
        raise error

    return layers


@pytest.fixture
def labelled(photo, tmp_path):
    """Eight photos of the first two classes."""
    for name in ("0", "1"):
        for number in range(4):
            copy = tmp_path / "data" / name / f"{number}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(photo.read_bytes())
    return tmp_path / "data"


@pytest.fixture
def commands(photo, labelled) -> dict[str, list[str]]:
    """Quick commands that write one result."""
    return {
        "compare": [str(photo), "--classifier", MODEL, "--methods", "random", "box"],
        "sweep": [
            str(photo), "--classifier", MODEL, "--method", "rise", "--setting", "samples=8,9",
        ],
        "sanity": [str(photo), "--classifier", MODEL, "--method", "random"],
        "sanity-labels": [
            "--data", str(labelled), "--explained", "2", "--photos", "6", "--training.epochs", "1",
            "--methods", "random", "box",
        ],
        "evaluate-infill": [
            "--data", str(labelled), "--classifier", MODEL, "--recognition-classifier", MODEL,
            "--infillers", "grey", "blur", "--tasks", "cells", "--limit", "2",
        ],
    }  # fmt: skip


@pytest.fixture
def attempt(commands, tmp_path, monkeypatch, capsys):
    """Return a function that runs a command, then overwrites its result with something patched."""

    def run(name, module, function, value):
        command = [name, *commands[name], "--out", str(tmp_path / "out")]
        assert main(command) == 0
        capsys.readouterr()
        before = content_of(tmp_path / "out")
        monkeypatch.setenv("UNSEE_DEBUG", "0")
        monkeypatch.setattr(module, function, value)
        status = main([*command, "--overwrite"])
        assert content_of(tmp_path / "out") == before
        return status, capsys.readouterr()

    return run


@pytest.mark.parametrize("command", ["compare", "sanity", "sanity-labels", "evaluate-infill"])
def test_interruption_leaves_the_earlier_result(command, attempt) -> None:
    stop = KeyboardInterrupt()
    explained = (explain_options, "run_with_bar", raising(stop, explain_options.run_with_bar, 2))
    status, printed = attempt(
        command,
        *{
            "compare": explained,
            "sanity": (parameter_randomisation, "check", layers_until(stop)),
            "sanity-labels": (
                label_randomisation, "check", raising(stop, label_randomisation.check, 2),
            ),
            "evaluate-infill": (infilling, "rate", raising(stop, infilling.rate, 4)),
        }[command],
    )  # fmt: skip
    assert status == 130
    assert KEPT in printed.err
    assert printed.out.strip()
    assert "pictures" not in printed.out.splitlines()[-1]


def test_errors_of_everything_leave_the_earlier_result(attempt) -> None:
    def fail(*_arguments, **_settings):
        raise TypeError("unforeseen")

    status, printed = attempt("compare", explain_options, "run_with_bar", fail)
    assert status == 1
    assert KEPT in printed.err


def test_error_of_a_layer_leaves_the_earlier_result(attempt) -> None:
    error = TypeError("unforeseen")
    status, printed = attempt("sanity", parameter_randomisation, "check", layers_until(error))
    assert status == 1
    assert KEPT in printed.err


COMPUTING = {
    "compare": (explain_options, "run_with_bar"),
    "sweep": (explain_options, "run_with_bar"),
    "sanity": (parameter_randomisation, "check"),
    "sanity-labels": (label_randomisation, "check"),
    "evaluate-infill": (infilling, "rate"),
}
"""A function that each command calls while it computes."""
TABLE_WORD = {
    "compare": "random", "sweep": "samples=9", "sanity": "randomised", "sanity-labels": "random",
    "evaluate-infill": "grey",
}  # fmt: skip
"""A word of the table that each command prints."""


@pytest.fixture
def meanwhile(monkeypatch):
    """Return a function that lets something happen at each call of another function."""

    def patch(module, name, happen):
        function = getattr(module, name)

        def call(*arguments, **settings):
            happen()
            return function(*arguments, **settings)

        monkeypatch.setattr(module, name, call)

    return patch


def take(folder) -> None:
    """Write something to a folder, as another command does."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("of another command")


@pytest.mark.parametrize(
    ("command", "overwrite"),
    [*((command, []) for command in COMPUTING), ("compare", ["--overwrite"])],
)
def test_name_that_was_taken_in_the_meantime(
    command, overwrite, commands, meanwhile, tmp_path, capsys
) -> None:
    out = tmp_path / "out"
    meanwhile(*COMPUTING[command], lambda: take(out))
    assert main([command, *commands[command], "--out", str(out), *overwrite]) == 0
    assert list(content_of(out)) == ["file"]
    assert "manifest.json" in content_of(tmp_path / "out-2")
    printed = capsys.readouterr()
    assert f"{out}: was taken in the meantime; this result is in {out}-2" in printed.err
    assert printed.out.rstrip().endswith(f": {out}-2")


@pytest.mark.parametrize("command", COMPUTING)
def test_table_is_printed_although_the_disk_is_full(
    command, commands, tmp_path, monkeypatch, capsys
) -> None:
    def replace(*_arguments, **_settings):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folders, "replace", replace)
    assert main([command, *commands[command], "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert TABLE_WORD[command] in printed.out
    assert f"{tmp_path / 'out'}" not in printed.out
    assert ("similarity of the maps of all values, " in printed.out) == (command == "sweep")
    assert "out: cannot be written (No space left on device)" in printed.err


def test_errors_are_printed_although_the_result_cannot_be_drawn(
    commands, tmp_path, monkeypatch, capsys
) -> None:
    def fail(*_arguments, **_settings):
        raise InputError("no picture")

    function = raising(InputError("no map"), explain_options.run_with_bar, 2)
    monkeypatch.setattr(explain_options, "run_with_bar", function)
    monkeypatch.setattr(comparison, "figure", fail)
    assert main(["compare", *commands["compare"], "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert "box: no map" in printed
    assert "no picture" in printed


def test_stopped_command_writes_to_the_next_name(
    commands, tmp_path, meanwhile, monkeypatch, capsys
) -> None:
    function = raising(KeyboardInterrupt(), explain_options.run_with_bar, 2)
    monkeypatch.setattr(explain_options, "run_with_bar", function)
    meanwhile(*COMPUTING["compare"], lambda: take(tmp_path / "out"))
    assert main(["compare", *commands["compare"], "--out", str(tmp_path / "out")]) == 130
    assert list(content_of(tmp_path / "out")) == ["file"]
    assert "manifest.json" in content_of(tmp_path / "out-2")
    assert "this result is in" in capsys.readouterr().err


def test_two_results_that_are_written_at_once(tmp_path, capsys) -> None:
    out = tmp_path / "out"

    def write(folder, overwrite) -> None:
        with new_folder(folder, overwrite=overwrite) as unfinished:
            write_manifest(unfinished, {})
            take(out)
            if folder != out:
                take(tmp_path / "out-2")

    keeping.write_result(out, write, "table", overwrite=False)
    names = {path.name: sorted(content_of(path)) for path in tmp_path.iterdir()}
    assert names == {"out": ["file"], "out-2": ["file"], "out-3": ["manifest.json"]}
    assert capsys.readouterr().out == f"table: {out}-3\n"


def test_folder_that_exists_is_refused_at_once(commands, tmp_path, meanwhile) -> None:
    take(tmp_path / "out")
    for command, words in commands.items():
        meanwhile(*COMPUTING[command], lambda: pytest.fail("it computed"))
        assert main([command, *words, "--out", str(tmp_path / "out")]) == 2


def test_an_evaluation_in_the_folder_of_its_photos_resumes(photo, monkeypatch, capsys) -> None:
    for name in ("ant", "zebra"):
        (photo.parent / name).mkdir()
        (photo.parent / name / "1.png").write_bytes(photo.read_bytes())
    monkeypatch.chdir(photo.parent)
    words = ["evaluate", "--data", ".", "--methods", "random", "--metrics", "entropy", "--target",
             "top1", "--classifier", MODEL]  # fmt: skip
    assert main(words) == 0
    capsys.readouterr()
    assert main(words) == 0
    assert "left out 1 folders with results of unsee" in capsys.readouterr().err
