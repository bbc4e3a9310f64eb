import signal
import threading

import pytest
import torch
from torch import nn

from tests.training import small
from tests.training.conftest import colours  # noqa: F401
from tests.training.small import TOY
from unsee.cli import main
from unsee.cli.interruption import deferred
from unsee.training import casm


def test_help_names_every_network_and_what_it_needs(capsys) -> None:
    assert main(["train"]) == 0
    text = capsys.readouterr().out
    assert "casm|variational|distilled|infiller|vae" in text
    assert text.count("needs: photos") == 5
    assert main(["train", "variatonal"]) == 2
    assert "did you mean 'variational'" in capsys.readouterr().err


def test_command_trains_casm(colours, tmp_path, capsys) -> None:
    arguments = [
        "train", "casm", "--data", str(colours), "--classifier", TOY, "--steps", "2", "--batch",
        "2", "--stored-size", "32", "--workers", "0", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "step 2 of 2" in capsys.readouterr().out
    assert (tmp_path / "run" / "casm.safetensors").exists()


FLAGS = ["--steps", "1", "--batch", "2", "--size", "32", "--stored-size", "40", "--workers", "0"]
LARGE = ["--size", "64", "--stored-size", "64"]


def test_command_trains_the_infiller(colours, tmp_path, capsys) -> None:
    out = ["--out", str(tmp_path / "run"), "--data", str(colours)]
    assert main(["train", "infiller", *FLAGS, *out, "--perceptual", "0"]) == 0
    assert "step 1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (LARGE, "vgg_shift_tolerant.pth"),
        (["--size", "48"], "64 <= size <= stored_size"),
        ([*LARGE, "--window", "40"], "expected 48 <= window <= size, got 40"),
        ([*LARGE, "--perceptual", "0", "--precision", "fp16"], "fp16 needs a GPU"),
    ],
)
def test_command_reports_missing_options(colours, tmp_path, capsys, flags, message) -> None:
    out = ["--out", str(tmp_path / "run"), "--data", str(colours)]
    assert main(["train", "infiller", *FLAGS, *out, *flags]) == 2
    assert message in capsys.readouterr().err


def test_command_without_data_is_refused(tmp_path, capsys) -> None:
    assert main(["train", "casm", "--out", str(tmp_path / "run")]) == 2
    assert "expected --data" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("setting", ["", ",trust=true"])
def test_programs_are_refused_without_naming_an_option_that_training_lacks(
    setting, colours, tmp_path, capsys
) -> None:
    layers = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    torch.jit.script(nn.Sequential(*layers)).eval().save(tmp_path / "net.pt")
    out = ["--out", str(tmp_path / "run"), "--data", str(colours)]
    classifier = f"file:{tmp_path / 'net.pt'}{setting}"
    assert main(["train", "casm", *out, "--classifier", classifier]) == 2
    error = capsys.readouterr().err
    assert "training needs a module of PyTorch, not a program" in error
    assert "--trust" not in error


def test_a_training_in_the_folder_of_its_photos_resumes_without_its_previews(
    colours, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(colours)
    arguments = ["train", "infiller", "--data", ".", *FLAGS, "--perceptual", "0"]
    arguments[arguments.index("--steps") + 1] = "2"
    assert main([*arguments, "--minutes", "1e-9"]) == 0
    assert list(colours.glob("*/step-*"))  # a preview
    assert main(arguments) == 0
    assert "step 2 of 2" in capsys.readouterr().out


@pytest.fixture
def usual_interruption():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.usefixtures("usual_interruption")
def test_ctrl_c_saves_a_checkpoint_and_the_same_command_continues_bitwise(
    colours, tmp_path, monkeypatch, capsys
) -> None:
    command = [
        "train", "casm", "--data", str(colours), "--classifier", TOY, "--steps", "4", "--batch",
        "2", "--stored-size", "32", "--workers", "0", "--held-out", "1", "--out",
    ]  # fmt: skip
    assert main([*command, str(tmp_path / "whole")]) == 0
    steps, step = [], casm.CasmTask.training_step

    def interrupted(task, number, batch):
        steps.append(number)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        return step(task, number, batch)

    monkeypatch.setattr(casm.CasmTask, "training_step", interrupted)
    capsys.readouterr()
    assert main([*command, str(tmp_path / "parts")]) == 130
    first, second = capsys.readouterr().err.splitlines()[-2:]
    assert first == "unsee: checkpoint of step 3 saved; the same command continues from it"
    assert second == "unsee: stopped; finished results are kept"
    assert main([*command, str(tmp_path / "parts")]) == 0
    assert steps == [0, 1, 2, 3]
    assert small.equal(small.weights(tmp_path / "whole"), small.weights(tmp_path / "parts"))


@pytest.mark.usefixtures("usual_interruption")
def test_second_ctrl_c_interrupts_at_once() -> None:
    with deferred() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_that_is_ignored_or_of_another_thread_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred() as pressed:
            signal.raise_signal(signal.SIGINT)
            assert not pressed()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        results = []

        def enter() -> None:
            with deferred() as pressed:
                results.append(pressed())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert results == [False]
    finally:
        signal.signal(signal.SIGINT, before)
