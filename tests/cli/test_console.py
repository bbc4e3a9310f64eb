"""Streams of any encoding, closed, full or narrow; names of any kind; the last line of defence."""

import io
import itertools
import json
import os
import subprocess
import sys

import pytest

from tests.cli.conftest import MODEL, QUICK, errors_of
from unsee import Explanation
from unsee.cli import console, main
from unsee.output.table import Column, Table

LABELS = ("[/b]red", "$x$ y", "two\nlines", "naïve 猫", "\udcff")


def odd_names():
    """Return the small classifier with class names that are hard to print."""
    from dataclasses import replace

    from tests.cli.conftest import tiny

    return replace(tiny(), labels=LABELS)


class Full(io.RawIOBase):
    """A file on a full disk, or a pipe whose reader has gone."""

    def __init__(self, error: type[OSError], *arguments: object) -> None:
        self.error, self.arguments = error, arguments

    def writable(self) -> bool:
        return True

    def write(self, content) -> int:
        raise self.error(*self.arguments)


def stream(encoding="utf-8", raw=None):
    return io.TextIOWrapper(raw or io.BytesIO(), encoding=encoding, errors="strict")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_any_encoding_prints_everything(encoding, photo, tmp_path, monkeypatch) -> None:
    out, err = stream(encoding), stream(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    bad = photo.with_name("b[red]\nad $1$.png")
    bad.touch()
    photo.rename(photo.with_name("naïve 猫 [red].png"))
    command = ["explain", str(photo.parent), "--classifier", "tests.cli.test_console:odd_names"]
    command += ["--method", "random", "--target", "3", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    printed = out.buffer.getvalue().decode(encoding)
    assert "na" in printed
    assert "panel.png" in printed
    (line,) = err.buffer.getvalue().decode(encoding).splitlines()
    assert "the file is empty" in line
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize("target", [0, 4])
def test_class_names_and_photo_names_are_verbatim(target, photo, tmp_path, capsys) -> None:
    path = photo.with_name(f"{'x' * 100}[red]$1$\n.png")
    photo.rename(path)
    command = [str(path), "--classifier", "tests.cli.test_console:odd_names"]
    command += ["--target", str(target)]
    explain = ["explain", *command, "--method", "random", "--out", str(tmp_path / "out")]
    assert main(explain) == 0
    compare = ["compare", *command, "--methods", "random", "--out", str(tmp_path / "two")]
    assert main(compare) == 0
    (folder,) = (tmp_path / "out").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text(errors="surrogatepass"))
    assert manifest["target"]["index"] == target


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(28, "No space left on device"), "No space left"), (BrokenPipeError(), "")],
)
def test_output_that_cannot_be_written_loses_no_work(
    error, told, photo, tmp_path, capsys, monkeypatch
) -> None:
    raw = Full(type(error), *error.args)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream(raw=raw))
        assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / "out")]) == 1
    lines = errors_of(capsys.readouterr().err)
    assert len(lines) == bool(told)
    assert told in "".join(lines)
    assert (tmp_path / "out" / "dog" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(28, "No space left on device"), "No space left"), (BrokenPipeError(), "")],
)
def test_help_that_cannot_be_written_is_no_fault(error, told, capsys, monkeypatch) -> None:
    """`unsee explain --help | head` ends as any other output whose reader has enough."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream(raw=Full(type(error), *error.args)))
        with pytest.raises(SystemExit) as stopped:
            main(["explain", "--help"])
    assert stopped.value.code == 1
    lines = errors_of(capsys.readouterr().err)
    assert len(lines) == bool(told)
    assert told in "".join(lines)


def test_closed_streams_lose_no_work(photo, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out" / "dog" / "manifest.json").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_as_a_program() -> None:
    """Neither the command nor the end of the interpreter prints a traceback."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "unsee", "--version"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "unsee: standard output cannot be written (No space left on device)"
    ]


@pytest.mark.parametrize("width", ["1", "20", "10000"])
def test_any_width(width, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert main(["list", "methods"]) == 0
    console.show_table(Table([Column("a"), Column("b")], [("[/b]", "[red]x")]))
    assert "[/b]"[0] in capsys.readouterr().out


def broken(*arguments, **settings):
    raise TypeError("unforeseen\nsecond line")


def test_an_unforeseen_error_is_one_line(photo, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_DEBUG", "0")
    monkeypatch.setattr("unsee.classifiers.loading.load", broken)
    assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / "out")]) == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("unsee: unexpected error (TypeError: unforeseen)")
    assert "UNSEE_DEBUG=1" in line
    monkeypatch.setenv("UNSEE_DEBUG", "1")
    with pytest.raises(TypeError):
        main(["explain", str(photo), *QUICK, "--out", str(tmp_path / "out")])


def test_an_unforeseen_error_of_one_photo_spares_the_others(
    photo, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("UNSEE_DEBUG", "0")
    from unsee.results import writing

    write = writing.write
    (photo.parent / "ant.png").write_bytes(photo.read_bytes())

    def fails_once(result, file, folder, **options):
        return (broken if folder.name == "ant" else write)(result, file, folder, **options)

    monkeypatch.setattr(writing, "write", fails_once)
    assert main(["explain", str(photo.parent), *QUICK, "--out", str(tmp_path / "out")]) == 1
    (line,) = errors_of(capsys.readouterr().err)
    assert "ant.png: unexpected error (TypeError: unforeseen)" in line
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dog"]


def test_an_unforeseen_error_of_one_method_spares_the_others(
    photo, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("UNSEE_DEBUG", "0")
    monkeypatch.setattr("unsee.methods.box.Box.iterate", broken)
    command = ["compare", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    assert main([*command, "--methods", "random", "box"]) == 1
    assert "box: unexpected error (TypeError: unforeseen)" in capsys.readouterr().err
    assert (tmp_path / "out" / "comparison.png").is_file()


def stopped(*arguments, **settings):
    raise KeyboardInterrupt


def test_an_unforeseen_error_spares_finished_layers_and_methods(
    photo, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("UNSEE_DEBUG", "0")
    from unsee.evaluation import label_randomisation, parameter_randomisation

    check = parameter_randomisation.check

    def two(*arguments, **settings):
        yield from itertools.islice(check(*arguments, **settings), 2)
        broken()

    monkeypatch.setattr(parameter_randomisation, "check", two)
    command = ["sanity", str(photo), "--classifier", MODEL, "--method", "random"]
    assert main([*command, "--out", str(tmp_path / "layers")]) == 1
    assert "unexpected error" in capsys.readouterr().err
    assert (tmp_path / "layers" / "sanity.png").is_file()

    for name in ("cat", "dog"):
        for number in range(4):
            copy = tmp_path / "data" / name / f"{number}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(photo.read_bytes())
    original = label_randomisation.check

    def fails_for_box(*arguments, **settings):
        return (broken if "box" in arguments[4] else original)(*arguments, **settings)

    monkeypatch.setattr(label_randomisation, "check", fails_for_box)
    command = ["sanity-labels", "--data", str(tmp_path / "data"), "--explained", "2", "--photos"]
    command += ["6", "--training.epochs", "1", "--methods", "random", "box"]
    assert main([*command, "--out", str(tmp_path / "labels")]) == 1
    assert "unsee: box: unexpected error" in capsys.readouterr().err
    assert (tmp_path / "labels" / "labels.png").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_photo_names_that_are_not_utf_8(photo, tmp_path, capsys) -> None:
    path = os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9.png")
    photo.rename(path)
    out = tmp_path / "out"
    assert main(["explain", path, *QUICK, "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    assert Explanation.load(folder).provenance["input"]["path"] == path
    compare = ["compare", path, "--classifier", MODEL, "--methods", "random"]
    assert main([*compare, "--out", str(tmp_path / "two")]) == 0
    assert main(["explain", f"{path}.jpg", *QUICK, "--out", str(out)]) == 1
    assert "caf\\udce9.png.jpg" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "compare", "sweep"])
def test_an_interruption_keeps_what_is_finished(
    command, photo, tmp_path, capsys, monkeypatch
) -> None:
    (photo.parent / "elk.png").write_bytes(photo.read_bytes())
    from unsee.cli import explain_options

    run, calls = explain_options.run_with_bar, []

    def second_stops(*arguments, **settings):
        calls.append(1)
        return (stopped if len(calls) == 2 else run)(*arguments, **settings)

    monkeypatch.setattr(explain_options, "run_with_bar", second_stops)
    options = {
        "explain": [str(photo.parent), "--method", "random"],
        "compare": [str(photo), "--methods", "random", "box"],
        "sweep": [str(photo), "--method", "random", "--setting", "grid=2,3"],
    }[command]
    out = tmp_path / "out"
    assert main([command, *options, "--classifier", MODEL, "--out", str(out)]) == 130
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "unsee: stopped; finished results are kept"
    finished = out / "dog" if command == "explain" else out
    assert (finished / "manifest.json").is_file()
    assert "dog" in printed.out or "random" in printed.out or "grid=2" in printed.out


def test_long_names_are_cut_in_the_middle() -> None:
    short = console.short(f"first {'x' * 200} last-2")
    assert len(short) == console.MAX_NAME
    assert short.startswith("first x")
    assert short.endswith("x last-2")
    assert console.short("a\nb") == "a b"
