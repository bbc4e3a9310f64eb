"""A result that is complete is not replaced by one that is not."""

import pytest

from tests.cli.conftest import MODEL
from unsee.cli import explain_options, main
from unsee.evaluation import infilling, label_randomisation, parameter_randomisation

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
def attempt(photo, labelled, tmp_path, monkeypatch, capsys):
    """Return a function that runs a command, then overwrites its result with something patched."""
    commands = {
        "compare": [str(photo), "--classifier", MODEL, "--methods", "random", "box"],
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
