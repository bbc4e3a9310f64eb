"""Photos that a disk could not read once are tried again; all other rows stay as they are."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.runs import assert_same_rows, make_plan, run_plan
from unsee import InputError
from unsee.cli import main
from unsee.datasets.base import sample_of
from unsee.errors import as_input_error, is_of_system
from unsee.evaluation import worker
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store

CHEAP = {"methods": ("random", "box"), "metrics": ("gini",)}
FAILED = "2.png"


@pytest.fixture
def disk(monkeypatch):
    """Return a function that lets one photo fail as on a disk, or makes all readable again."""
    frame, read, failing = worker.frame, [], []

    def frame_or_fail(sample, plan, classifier):
        read.append(sample.id)
        if sample.id in failing:
            with as_input_error(f"{sample.id}: cannot be read"):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return frame(sample, plan, classifier)

    monkeypatch.setattr(worker, "frame", frame_or_fail)

    def set_(*names):
        failing[:] = names
        read.clear()
        return read

    return set_


def files_of(out):
    return {path.name: path.read_bytes() for path in (out / "rows").iterdir()}


def test_photo_of_a_disk_that_failed_is_computed_again_and_no_other(data, tmp_path, disk) -> None:
    out, plan = (
        tmp_path / "run",
        make_plan(data, **CHEAP, limit=4, save_maps=True, batch=1, shard=2),
    )
    disk()
    whole = run_plan(plan, tmp_path / "whole")
    disk(FAILED)
    rows = run_plan(plan, out)
    assert [row["photo"] for row in rows if "Input/output" in (row["error"] or "")] == [FAILED] * 2
    before = files_of(out)
    assert Run.begin(plan, out).missing() == []
    read = disk(FAILED)  # still failing: each is tried once, and nothing is written
    run_plan(plan, out)
    assert read == [FAILED] * 2
    assert files_of(out) == before
    read = disk()
    assert_same_rows(run_plan(plan, out), whole)
    assert read == [FAILED] * 2
    after = files_of(out)
    assert {name for name in before if after[name] != before[name]} == {
        "0000-000001.parquet", "0001-000001.parquet",
    }  # fmt: skip
    for number in range(2):
        maps, expected = (Store(run).read_maps(number, 1) for run in (out, tmp_path / "whole"))
        assert maps.keys() == expected.keys()
        assert all(np.array_equal(maps[photo], expected[photo]) for photo in maps)
    read = disk()
    run_plan(plan, out)
    assert read == []


def test_command_tries_a_photo_again(data, tmp_path, disk, capsys) -> None:
    command = [
        "evaluate", "--data", str(data), "--classifier", "tests.toys:classifier", "--methods",
        "random", "--metrics", "gini", "--limit", "3", "--threads", "1", "--out",
        str(tmp_path / "run"),
    ]  # fmt: skip
    disk(FAILED)
    assert main(command) == 1
    assert "2.png: cannot be read" in capsys.readouterr().err
    disk()
    assert main(command) == 0
    assert not any(row["error"] for row in Store(tmp_path / "run").read())


def test_errors_of_the_system_are_told_from_damaged_files() -> None:
    def failure_of(error):
        with pytest.raises(InputError) as raised, as_input_error("outer"), as_input_error("inner"):
            raise error
        return raised.value

    assert is_of_system(failure_of(OSError(errno.EIO, "failed")))
    assert is_of_system(failure_of(FileNotFoundError(errno.ENOENT, "none", "a.png")))
    assert not is_of_system(failure_of(OSError("image file is truncated")))
    assert not is_of_system(failure_of(ValueError("4 bytes")))
    plan = make_plan("d")
    classifier = worker.load_classifier("tests.toys:classifier", 4, None, "float32")
    with pytest.raises(InputError) as raised:
        worker.frame(sample_of(Path("none.png"), "none.png", 0), plan, classifier)
    assert is_of_system(raised.value)
