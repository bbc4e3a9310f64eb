"""`--trust`: programs are loaded on request only, and nothing but the command line requests it."""

import json
import re

import pytest
import torch
from PIL import Image

import unsee
from tests.cli.conftest import tiny
from unsee.cli import main


@pytest.fixture
def program(tmp_path):
    """A TorchScript program of the small classifier."""
    path = tmp_path / "program.pt"
    torch.jit.trace(tiny().model, torch.zeros(1, 3, 32, 32)).save(str(path))
    return f"file:{path}"


@pytest.fixture
def photos(photo, tmp_path):
    """A photo of each of the first two classes."""
    for name in ("0", "1"):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        Image.open(photo).save(folder / "1.png")
    return tmp_path / "photos"


COMMANDS = {
    "explain": ["PHOTO", "--method", "random", "--size", "32", "--out", "OUT"],
    "compare": ["PHOTO", "--methods", "random", "--out", "OUT"],
    "sweep": ["PHOTO", "--method", "random", "--out", "OUT"],
    "sanity": ["PHOTO", "--method", "random", "--layers", "1", "--size", "32", "--out",
               "OUT"],
    "counterfactual": ["PHOTO", "--method", "random", "--target", "3", "--contrast", "1",
                       "--largest", "1", "--size", "32", "--picture-infiller", "grey",
                       "--out", "OUT"],
    "evaluate": ["--data", "PHOTOS", "--methods", "random", "--target", "top1",
                 "--metrics", "entropy", "--out", "OUT"],
    "evaluate-infill": ["--data", "PHOTOS", "--infillers", "grey", "--tasks", "cells",
                        "--recognition-classifier", "tests.cli.conftest:tiny", "--out", "OUT"],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_program_is_loaded_with_trust_only(
    command, program, photo, photos, tmp_path, capsys
) -> None:
    places = {"PHOTO": str(photo), "PHOTOS": str(photos), "OUT": str(tmp_path / "out")}
    words = [places.get(word, word) for word in COMMANDS[command]]
    words = [command, *words, "--classifier", program]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "set --trust if you trust its author" in line
    assert not (tmp_path / "out").exists()
    assert main([*words, "--trust"]) == (1 if command == "counterfactual" else 0)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_python_speaks_of_an_argument(program) -> None:
    with pytest.raises(unsee.InputError, match="set trust=True if you trust its author"):
        unsee.load(program)
    assert unsee.load(program, trust=True).model is not None


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_stored_run_grants_no_trust(program, photos, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    words = ["evaluate", "--data", str(photos), "--methods", "random", "--metrics", "entropy",
             "--target", "top1", "--classifier", program, "--out", str(out)]  # fmt: skip
    assert main([*words, "--trust"]) == 0
    assert "trust" not in json.dumps(json.loads((out / "run.json").read_text())["settings"])
    for rows in (out / "rows").iterdir():
        rows.unlink()
    capsys.readouterr()
    assert main(words) == 2
    assert "set --trust" in capsys.readouterr().err


@pytest.mark.parametrize("command", [*COMMANDS, "bench", "sanity-labels"])
def test_help_says_what_trust_means(command, capsys) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert re.search("--trust(, --no-trust)? Load", text)
    assert "run any code on this machine" in text


def test_python_code_that_only_a_plan_names_is_not_run(photos, tmp_path, capsys) -> None:
    settings = {"data": str(photos), "methods": ["random"], "metrics": ["entropy"]}
    words = ["evaluate", "--plan", str(tmp_path / "plan.toml"), "--target", "top1"]
    for name in (
        "tests.cli.conftest:tiny", "factory:tests.cli.conftest:tiny", "blackbox:a.b:c",
        "file:a.pth,architecture=tests.cli.conftest:tiny",
    ):  # fmt: skip
        for key in ("classifiers", "reference_classifiers"):
            lines = [f"{k} = {json.dumps(v)}" for k, v in {**settings, key: [name]}.items()]
            (tmp_path / "plan.toml").write_text("\n".join(lines))
            assert main([*words, "--out", str(tmp_path / "out")]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert "is code that would run; set --trust" in line
    lines = [f"{k} = {json.dumps(v)}" for k, v in settings.items()]
    lines.append('classifiers = ["tests.cli.conftest:tiny"]')
    (tmp_path / "plan.toml").write_text("\n".join(lines))
    assert main([*words, "--out", str(tmp_path / "a"), "--trust"]) == 0
    named = ["--classifier", "tests.cli.conftest:tiny"]
    assert main([*words, "--out", str(tmp_path / "b"), *named]) == 0


@pytest.mark.parametrize("name", ["--classifier=tests.cli.conftest:tiny", "--trust", "-h"])
@pytest.mark.parametrize("command", ["explain", "evaluate", "report"])
def test_the_name_of_a_file_is_no_option(name, command, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b"")
    assert main([command, name, "p.png"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "an option, and the name of a file in this folder; write ./*" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.pt,trust=true", ["explain", "p.png", "--classifier", "file:{}"]),
        ("pwn:net,labels=l.onnx", ["explain", "p.png", "--classifier", "blackbox:{}"]),
        ("m.pt,trust=true", ["explain", "p.png", "--infiller", "lama:{}"]),
        ("mosaics:sub,trust=true,classifier=pwn:net", ["evaluate", "--data", "{}"]),
        ("a.pt,pwn:net", ["evaluate", "--data", ".", "--classifier", "file:{}"]),
        ("pwn:net ", ["explain", "p.png", "--classifier", "{}"]),
        ("pwn:net ", ["evaluate", "--data", ".", "--classifier", "{}"]),
        ("a.pt,trust=true ", ["evaluate", "--data", ".", "--classifier", "file:{}"]),
        ("sub,trust=true,classifier=pwn:net,", ["evaluate-infill", "--data", "mosaics:{}"]),
        ("mosaics:sub,trust=true,classifier=pwn:net ", ["evaluate-infill", "--data", "{}"]),
        ("a.pt,trust=true", ["explain", "p.png", "--infiller", "imagined:by=lama:{}"]),
    ],
)
def test_the_name_of_a_file_grants_no_trust(name, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pwn.py").write_text("raise SystemExit(99)")
    (tmp_path / name).write_bytes(b"")
    words = [*(word.format(name) for word in words), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "is also the name of a file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
