"""Experiment trackers: what the commands log, and that they write to this machine."""

import json
import sqlite3
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.reports.conftest import write_run  # noqa: F401
from tests.training import small
from tests.training.conftest import folder  # noqa: F401
from unsee import InputError
from unsee.cli import main
from unsee.output.trackers import check_trackers
from unsee.reports.results import Results

TRACKERS = [
    pytest.param(
        name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed")
    )
    for name in ("tensorboard", "wandb", "trackio")
]


@pytest.fixture
def program(tmp_path):
    """Return a function that runs a command as a program and returns its JSON document."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "unsee", *map(str, words), "--json"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env=small.environment(TRACKIO_DIR=str(tmp_path / "trackio"), UNSEE_DEBUG="1"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def numbers_of_tensorboard(log) -> dict[str, list[float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    values: dict[str, list[float]] = {}
    for file in sorted(log.rglob("events.*")):
        events = EventAccumulator(str(file)).Reload()
        for name in events.Tags()["scalars"]:
            values.setdefault(name, []).extend(event.value for event in events.Scalars(name))
    return values


def numbers_of_trackio(folder) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    with sqlite3.connect(folder / "unsee.db") as database:
        for (text,) in database.execute("select metrics from metrics order by id"):
            for name, value in json.loads(text).items():
                values.setdefault(name, []).append(value)
    return values


def numbers_of_wandb(log) -> dict[str, list[float]]:
    """Read offline runs: a file header of 7 bytes, then records of LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record

    values: dict[str, list[float]] = {}
    for path in sorted(log.glob("wandb/offline-run-*/*.wandb")):
        content, start = path.read_bytes(), 7
        assert len(content) < 2**15  # a single block
        while start + 7 < len(content):
            length = int.from_bytes(content[start + 4 : start + 6], "little")
            record = Record.FromString(content[start + 7 : start + 7 + length])
            start += 7 + length
            for item in record.history.item:
                name = item.key or "/".join(item.nested_key)
                values.setdefault(name, []).append(json.loads(item.value_json))
    return values


def logged(tracker, log, tmp_path) -> dict[str, list[float]]:
    """Return all numbers that are in the files of a tracker, by name."""
    if tracker == "trackio":
        return numbers_of_trackio(tmp_path / "trackio")
    return {"tensorboard": numbers_of_tensorboard, "wandb": numbers_of_wandb}[tracker](log)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_training_logs_its_losses(tracker, folder, tmp_path, program) -> None:
    words = small.command("casm", folder, "--steps", "3", "--tracker", tracker)[2:]
    content = program(*words, tmp_path / "run")
    assert content == {"step": 3, "steps": 3, "results": [str(tmp_path / "run")]}
    values = logged(tracker, tmp_path / "run" / "log", tmp_path)
    losses = {name: numbers for name, numbers in values.items() if not name.startswith("_")}
    assert set(losses) == {"classifier", "evidence", "area", "right"}
    assert all(len(numbers) == 3 for numbers in losses.values())


@pytest.mark.parametrize("tracker", TRACKERS)
def test_report_logs_the_means_of_each_method(tracker, write_run, tmp_path, program) -> None:
    write_run("run")
    content = program("report", tmp_path / "run", "--out", "out", "--tracker", tracker)
    assert content["log"] == "out-log"
    results = Results.read([tmp_path / "run"])
    values = logged(tracker, tmp_path / "out-log", tmp_path)
    for metric in ("deletion", "insertion"):
        means = [results.mean(c, metric) for c in results.configurations]
        assert sorted(values[metric]) == pytest.approx(sorted(m.value for m in means))
        assert sorted(values[f"low/{metric}"]) == pytest.approx(sorted(m.low for m in means))
    assert values["photos"] == [20, 20]
    assert program("report", tmp_path / "run", "--out", "out", "--overwrite").keys() >= {"rows"}


def test_unknown_and_missing_trackers_are_refused(write_run, tmp_path, monkeypatch, capsys) -> None:
    write_run("run")
    words = ["report", str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--tracker"]
    assert main([*words, "mlfow"]) == 2
    assert "wandb" in capsys.readouterr().err
    monkeypatch.setattr("unsee.output.trackers.find_spec", lambda name: None)
    assert main([*words, "wandb"]) == 2
    assert "python -m pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="the tracker trackio needs"):
        check_trackers(["trackio"])
