import shutil
import subprocess
import sys

import pytest
import torch

from tests.training import small
from unsee import InputError
from unsee.errors import DiskFullError
from unsee.training import casm, checkpoint, distilled, run_folder, variational
from unsee.training.infiller import InfillerTraining
from unsee.training.run_folder import without_folders

KILLED = """
import os, pathlib, signal, sys
replace, moves = pathlib.Path.replace, 0
def replace_or_die(path, target):
    global moves
    moves += 1
    if moves == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)
pathlib.Path.replace = replace_or_die
from unsee.cli import main
sys.exit(main(sys.argv[2:]))
"""
"""A command that kills itself before it moves its n-th new file over the old one."""


@pytest.mark.parametrize("network", ["variational", "features", "gradients", "heads", "distilled"])
def test_stopped_run_resumes_bitwise(folder, tmp_path, network) -> None:
    small.train(network, folder, tmp_path / "whole", save_every=1)
    config = small.config(network, folder, tmp_path / "parts")
    module = distilled if network == "distilled" else variational
    steps = module.train(config)
    next(steps), next(steps), next(steps)  # the checkpoint is of the second
    steps.close()
    assert [losses["step"] for losses in module.train(config)] == [3, 4]
    whole, parts = (small.checkpoint_states(tmp_path / run) for run in ("whole", "parts"))
    for name in whole.keys() - {"adam"}:
        assert small.equal(whole[name], parts[name])
    with pytest.raises(InputError, match="choose another folder"):
        small.train(network, folder, tmp_path / "parts", seed=3)


@pytest.mark.parametrize("network", small.IN_PROCESSES)
def test_killed_run_resumes_bitwise(folder, tmp_path, network) -> None:
    command = small.command(network, folder, "--steps", "12", "--save-every", "1")
    how = {"env": small.environment(), "cwd": small.ROOT, "stdout": subprocess.DEVNULL}
    small.run(command, tmp_path / "whole")
    out = tmp_path / "parts"
    for moves in ("1", "2", "7"):  # before the weights are moved, or the checkpoint
        arguments = ["-c", KILLED, moves, *command[2:], str(out)]
        assert subprocess.run([sys.executable, *arguments], **how).returncode == -9
    small.run(command, out)
    assert small.equal(small.weights(tmp_path / "whole"), small.weights(out))


@pytest.mark.parametrize("network", ["variational", "distilled"])
def test_diverging_run_keeps_its_last_checkpoint(folder, tmp_path, network, monkeypatch) -> None:
    out = tmp_path / "run"
    for module in (run_folder, checkpoint):  # another rate is refused otherwise
        monkeypatch.setattr(module, "check_settings", lambda *_: None)
    settings = {"steps": 30, "save_every": 1}
    small.train(network, folder, out, **settings, rate=1e-3, minutes=1e-9)  # a single step
    before = (out / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError, match=r"not finite|NaN or infinity"):
        small.train(network, folder, out, **settings, rate=1e30)
    for state in small.checkpoint_states(out).values():
        for value in state.values():
            assert not isinstance(value, torch.Tensor) or value.isfinite().all()
    assert small.weights(out)
    small.train(network, folder, out, **settings | {"save_every": 5}, rate=1e-4)  # resumes
    last = torch.load(out / "checkpoint.pt", weights_only=True)
    assert last["step"] == 30
    assert last["states"]["adam"]["param_groups"][0]["lr"] <= 1e-4
    assert before != (out / "checkpoint.pt").read_bytes()


def test_checkpoint_of_an_earlier_version_resumes(folder, tmp_path) -> None:
    settings = {"reads": "features", "width": 6, "uniform_shares": True, "spread": 1.0}
    small.train("features", folder, tmp_path / "run", **settings)
    path = tmp_path / "run" / "checkpoint.pt"
    stored = torch.load(path, weights_only=True)
    text = (
        stored["settings"]
        .replace('"stored_size"', '"keep"')
        .replace('"spread": 1.0, "uniform_shares": true', '"spread": 0.0')
    )
    text = text.replace('"size": null', '"size": 0').replace('"classes": null', '"classes": ""')
    assert all(part in text for part in ('"keep"', '"spread": 0.0', '"size": 0', '"classes": ""'))
    torch.save({**stored, "settings": text}, path)
    assert small.train("features", folder, tmp_path / "run", **settings) == []
    with pytest.raises(InputError, match="holds a run with stored_size = 32, got 48"):
        small.train("features", folder, tmp_path / "run", **settings, stored_size=48)


def test_run_refuses_other_settings_and_losses_that_are_not_finite(folder, tmp_path) -> None:
    out = tmp_path / "run"
    small.train("casm", folder, out)
    with pytest.raises(InputError, match="holds a run with strategy = L100, got L"):
        small.train("casm", folder, out, strategy="L")
    with pytest.raises(InputError, match="not finite"):
        small.train("casm", folder, tmp_path / "bad", strategy="L", rate=1e30, steps=8)
    with pytest.raises(InputError, match="expected data"):
        list(casm.train(casm.CasmTraining()))


OTHER = {
    "casm": [
        {"rate": 0.5}, {"mask_rate": 0.5}, {"area": 0.0}, {"volume": 0.3}, {"fade": 1},
        {"snapshot_probability": 0.1},
    ],
    "distilled": [{"rate": 0.5}, {"smoothness": 0.5}],
    "variational": [{"rate": 0.5}],
}  # fmt: skip


@pytest.mark.parametrize("network", OTHER)
def test_a_run_is_continued_with_its_settings_only(folder, tmp_path, network) -> None:
    out, mark = tmp_path / "run", tmp_path / "run" / run_folder.MANIFEST
    small.train(network, folder, out, steps=1)
    content = mark.read_bytes()
    for settings in OTHER[network]:
        for path in (mark, mark.with_name("moved")):  # with, and without the file of settings
            mark.write_bytes(content)
            mark.rename(path)
            with pytest.raises(InputError, match=f"holds a run with {next(iter(settings))} = "):
                small.train(network, folder, out, steps=1, **settings)
    mark.write_bytes(content)
    free = {"save_every": 7, "minutes": 3.0}
    assert small.train(network, folder, out, steps=1, **free) == []


def test_every_setting_but_a_few_is_compared(tmp_path) -> None:
    for make in {network[0] for network in small.NETWORKS.values()} | {InfillerTraining}:
        config = make(data=("a",), out=tmp_path)
        stored = run_folder.as_json(config)
        run_folder.check_settings(stored, config)
        for name in stored.keys() - {
            "out",
            "data",
            "workers",
            "save_every",
            "minutes",
            "tracker",
        }:
            with pytest.raises(InputError, match=f"holds a run with {name} = other, got"):
                run_folder.check_settings({**stored, name: "other"}, config)
            older = {key: value for key, value in stored.items() if key != name}
            run_folder.check_settings(older, config)


def test_a_run_is_continued_with_its_photos_only(folder, tmp_path) -> None:
    out, moved, other = (tmp_path / name for name in ("run", "moved", "other"))
    small.train("casm", folder, out, steps=2, minutes=1e-9)
    shutil.copytree(folder, moved)
    shutil.copytree(folder, other)
    first, *_, last = sorted(path for path in other.rglob("*") if path.is_file())
    shutil.copy(first, last)
    before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    for is_finished in (False, True):
        with pytest.raises(InputError, match="holds a run with other photos or labels than"):
            small.train("casm", other, out, steps=2)
        assert {path: path.read_bytes() for path in before} == before
        if not is_finished:
            assert [losses["step"] for losses in small.train("casm", moved, out, steps=2)] == [2]
            before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    stored = torch.load(out / "checkpoint.pt", weights_only=True)
    del stored["photos"]  # as of an earlier version
    torch.save(stored, out / "checkpoint.pt")
    with pytest.raises(InputError, match="holds a run with other photos or labels than"):
        small.train("casm", other, out, steps=2)
    assert small.train("casm", moved, out, steps=2) == []


def test_metadata_of_weights_contains_no_folder() -> None:
    data = ["/home/me/a.zip", "imagenet:/data/val/", r"C:\x\b.zip"]
    other = {"rate": 0.1, "classifier": "timm:resnet50", "widths": [4, 8]}
    settings = without_folders({"data": data, "out": "runs/one", **other})
    assert settings == {"data": ["a.zip", "val", "b.zip"], "out": "one", **other}


@pytest.mark.parametrize("name", ["notes.txt", "casm.safetensors"])
def test_folder_with_files_of_no_training_is_left_alone(folder, tmp_path, name) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(InputError, match=f"holds files of no training .{name}"):
        small.train("casm", folder, tmp_path / "out")
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]
    with pytest.raises(InputError, match="is a file, expected a folder"):
        small.train("casm", folder, tmp_path / "out" / name)


def test_training_that_fails_before_its_first_step_leaves_no_folder(folder, tmp_path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.png").write_bytes(b"no photo")
    for data, out in ((tmp_path / "bad", "new"), (tmp_path / "none", "deep/new")):
        with pytest.raises(InputError, match=r"photo|1 photos"):
            small.train("casm", data, tmp_path / out)
        assert not (tmp_path / out).exists()
    (tmp_path / "old").mkdir()
    with pytest.raises(InputError, match="photo"):
        small.train("casm", tmp_path / "bad", tmp_path / "old")
    assert (tmp_path / "old").exists()


@pytest.mark.parametrize("content", [b"text", {"weights": 1}, [1]])
def test_checkpoint_of_the_user_is_refused_before_anything_is_made(
    folder, tmp_path, content
) -> None:
    path = tmp_path / "mine" / "checkpoint.pt"
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"holds files of no training .checkpoint\.pt"):
        small.train("casm", folder, path.parent)
    assert list(path.parent.iterdir()) == [path]


def test_refused_continuation_of_an_earlier_version_leaves_the_folder_as_it_was(
    folder, tmp_path
) -> None:
    small.train("casm", folder, tmp_path / "run", steps=1)
    path = tmp_path / "run" / "checkpoint.pt"
    for other in (tmp_path / "run").iterdir():
        if other != path:
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    with pytest.raises(InputError, match="choose another folder"):
        small.train("casm", folder, tmp_path / "run", steps=1, seed=3)
    assert list((tmp_path / "run").iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_interrupted_training_leaves_the_folder_that_another_has_joined(
    folder, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")  # processes of one launch share a folder
    config = small.config("casm", folder, tmp_path / "run")
    first, second = (run_folder.begun(config, casm.CasmTask) for _ in range(2))
    first.__enter__()
    with second as sharing:
        pass  # the second process trains now
    (config.out / "log").mkdir()
    (config.out / "log" / "events").write_text("of the second")
    assert not first.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert (config.out / "training.json").exists()
    assert (config.out / "log" / "events").exists()
    sharing.close()


def test_training_that_another_process_has_finished_is_not_discarded(folder, tmp_path) -> None:
    config = small.config("casm", folder, tmp_path / "run", steps=1)
    first = run_folder.begun(config, casm.CasmTask)
    first.__enter__().close()  # as on a disk without locks
    small.train("casm", folder, tmp_path / "run", steps=1)
    before = sorted((tmp_path / "run").rglob("*"))
    assert not first.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert sorted((tmp_path / "run").rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_second_training_is_refused_while_the_first_runs(folder, tmp_path) -> None:
    out = tmp_path / "run"
    first = casm.train(small.config("casm", folder, out, save_every=1))
    next(first)
    for settings in ({"save_every": 1}, {"seed": 3}):  # the same command, and another one
        with pytest.raises(InputError, match=r"another process trains|holds a run with seed = 0"):
            small.train("casm", folder, out, **settings)
    with pytest.raises(InputError, match="holds a run of casm, got variational"):
        small.train("variational", folder, out)
    assert [losses["step"] for losses in first] == [2, 3, 4]
    assert small.train("casm", folder, out, save_every=1) == []  # the first has given it up


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_training_that_failed_gives_its_folder_up(folder, tmp_path) -> None:
    settings = {"strategy": "L", "steps": 8, "rate": 1e30}
    errors = []
    for _ in range(2):  # the second is not refused since another process trains
        with pytest.raises(InputError, match="not finite") as error:
            small.train("casm", folder, tmp_path / "run", **settings)
        errors.append(error)


def test_a_run_of_other_settings_is_refused_before_its_first_checkpoint(folder, tmp_path) -> None:
    steps = casm.train(small.config("casm", folder, tmp_path / "run"))
    next(steps)
    steps.close()
    before = {path: path.read_bytes() for path in (tmp_path / "run").glob("*") if path.is_file()}
    with pytest.raises(InputError, match="holds a run with strategy = L100, got L"):
        small.train("casm", folder, tmp_path / "run", strategy="L")
    after = {path: path.read_bytes() for path in (tmp_path / "run").glob("*") if path.is_file()}
    assert after == before
    assert len(small.train("casm", folder, tmp_path / "run")) == 4


@pytest.mark.parametrize("settings", [{}, {"save_every": 1}])
def test_weights_without_a_checkpoint_are_not_replaced(folder, tmp_path, settings) -> None:
    out = tmp_path / "run"
    small.train("casm", folder, out, **settings)
    (out / "checkpoint.pt").unlink()
    before = (out / "casm.safetensors").read_bytes()
    with pytest.raises(
        InputError, match=r"casm\.safetensors: would be replaced, since there is no"
    ):
        small.train("casm", folder, out, **settings)
    assert (out / "casm.safetensors").read_bytes() == before


def test_damaged_checkpoint_is_refused_in_one_line(folder, tmp_path) -> None:
    out = tmp_path / "run"
    small.train("casm", folder, out, steps=1)
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    path = out / "checkpoint.pt"
    stored, content = torch.load(path, weights_only=True), path.read_bytes()
    damaged = [stored | {"settings": "{"}, stored | {"states": {}}, stored | {"step": "a"}, [1]]
    damaged += [{}, stored | {"settings": '"text"'}, stored | {"step": -5}]
    damaged += [stored | {"best": float("nan")}, stored | {"past": "text"}]
    for value in damaged:
        torch.save(value, path)
        with pytest.raises(InputError, match=r"checkpoint\.pt: ") as error:
            small.train("casm", folder, out, steps=1)
        assert "\n" not in str(error.value)
    for part in (b"", b"text", content[:-200]):
        path.write_bytes(part)
        with pytest.raises(InputError, match=r"checkpoint\.pt: not a checkpoint"):
            small.train("casm", folder, out, steps=1)


def test_full_disk_keeps_the_last_checkpoint(folder, tmp_path, monkeypatch) -> None:
    out = tmp_path / "run"
    small.train("casm", folder, out, steps=2, save_every=1, minutes=1e-9)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    def full(*_arguments, **_settings):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskFullError, match=r"checkpoint\.pt: cannot be written"):
        small.train("casm", folder, out, steps=2, save_every=1)
    after = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert after.keys() == before.keys()
    assert after["checkpoint.pt"] == before["checkpoint.pt"]


def test_manifest_of_the_users_own_training_marks_no_folder(folder, tmp_path) -> None:
    for text in ('{"lr": 1}', '{"settings": {"steps": 1}}', "[]", "{", "\xff"):
        (tmp_path / "training.json").write_text(text)
        (tmp_path / "casm.safetensors").write_text("of the user")
        with pytest.raises(InputError, match="holds files of no training"):
            small.train("casm", folder, tmp_path)
        assert (tmp_path / "casm.safetensors").read_text() == "of the user"


def test_preview_does_not_follow_a_link(folder, tmp_path) -> None:
    (tmp_path / "photo.png").write_text("of the user")
    out = tmp_path / "run"
    small.train("casm", folder, out, minutes=1e-9, steps=2)
    (preview,) = (p for p in out.glob("step-*") if p.is_file())
    for number in range(1, 3):
        link = out / f"step-{number:06d}{preview.suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / "photo.png")
    small.train("casm", folder, out, steps=2)
    assert (tmp_path / "photo.png").read_text() == "of the user"
    assert any(not p.is_symlink() for p in out.glob("step-*"))


@pytest.mark.parametrize("network", ["casm", "distilled"])
def test_missing_weights_are_written_again_from_their_checkpoint(folder, tmp_path, network) -> None:
    settings = {"steps": 1}
    small.train(network, folder, tmp_path / "run", **settings)
    path = tmp_path / "run" / f"{network}.safetensors"
    tensors, metadata = small.weights(tmp_path / "run"), small.metadata(path)
    path.unlink()
    assert small.train(network, folder, tmp_path / "run", **settings) == []
    assert small.equal(small.weights(tmp_path / "run"), tensors)
    assert small.metadata(path) == metadata


def test_missing_weights_of_an_earlier_step_are_reported(folder, tmp_path, monkeypatch) -> None:
    losses = iter([2.0, 3.0])  # the second checkpoint is not the best one
    monkeypatch.setattr(distilled.DistilledTask, "validation_loss", lambda *_: next(losses))
    settings = {"steps": 2, "save_every": 1}
    small.train("distilled", folder, tmp_path / "run", **settings)
    (tmp_path / "run" / "distilled.safetensors").unlink()
    with pytest.raises(InputError, match=r"distilled\.safetensors is missing, and checkpoint\.pt"):
        small.train("distilled", folder, tmp_path / "run", **settings)
    assert not (tmp_path / "run" / "distilled.safetensors").exists()
