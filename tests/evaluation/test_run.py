"""Runs: every row once, whatever is interrupted."""

import json
import os
import shutil
import subprocess
import sys
from collections import deque

import numpy as np
import pytest
import torch

from tests.evaluation.runs import ROOT, assert_same_rows, make_plan, run_plan
from unsee import InputError, Study, create, load
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.methods.base import Method
from unsee.storage.workplace import LOCK, NEW, PREFIX


def test_every_photo_and_combination_has_a_row(uninterrupted) -> None:
    assert len(uninterrupted) == 30
    assert len({(row["photo"], row["method"]) for row in uninterrupted}) == 30
    good = [row for row in uninterrupted if row["error"] is None]
    assert len(good) == 24
    assert all(0 <= row["deletion"] <= 1 for row in good)
    assert {row["localisation:alpha=0.6"] for row in good} <= {0.0, 1.0}
    assert all(row["forwards"] == 40 for row in good if row["method"].startswith("rise"))
    errors = {row["photo"]: row["error"] for row in uninterrupted if row["error"]}
    assert "not a photo" in errors["3.png"]
    assert "no labelled class" in errors["6.png"]
    assert [row["deletion"] for row in uninterrupted if row["error"]] == [None] * 6


def test_rows_equal_explain_and_metric(data, uninterrupted) -> None:
    row = next(r for r in uninterrupted if r["photo"] == "4.png" and r["method"].startswith("tide"))
    study = Study.of(
        load("tests.toys:classifier"), str(data / "4.png"),
        create("methods", "tide", steps=3, grid=6), targets=4,
    )  # fmt: skip
    explanation = study.finish()
    deletion = create("metrics", "deletion").rate(study.score, explanation.saliency)
    assert row["deletion"] == pytest.approx(deletion.item(), abs=1e-4)
    assert row["target"] == 4


def test_interrupted_run_resumes(data, uninterrupted, tmp_path) -> None:
    out = tmp_path / "run"
    run = Run.begin(make_plan(data), out, threads=1)
    steps = run.local()
    for _ in range(4):
        next(steps)
    steps.close()
    assert len(run.missing()) == 5
    left = run.store.rows / f"{PREFIX}{1:032x}"  # by a process that was killed
    left.mkdir()
    (left / LOCK).touch()
    (left / NEW).write_bytes(b"half")
    resumed = Run.begin(make_plan(data), out, threads=1)
    assert len(resumed.missing()) == 5
    assert_same_rows(run_plan(make_plan(data), out), uninterrupted)
    resumed.finish()
    assert not list(out.rglob(".*"))


def test_rows_are_independent_of_shards_and_limit(data, uninterrupted, tmp_path) -> None:
    rows = run_plan(make_plan(data, shard=3, limit=6), tmp_path / "run")
    first = {f"{number}.png" for number in range(6)}
    expected = [row for row in uninterrupted if row["photo"] in first]
    for row, other in zip(rows, expected, strict=True):
        assert row["photo"] == other["photo"]
        for key in ("deletion", "gini"):
            assert row[key] == pytest.approx(other[key], abs=2e-3, nan_ok=True)


KILLED_WHILE_WRITING = """
import os, pathlib, signal, sys
import pyarrow.parquet as pq
from unsee.cli import main

moment, original, calls = sys.argv[1], pq.write_table, []

def write_table(table, file, **options):
    calls.append(table)
    if len(calls) == 2 and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    original(table, file, **options)
    if len(calls) == 2:
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

pq.write_table = write_table
main(sys.argv[2:])
"""
"""A process that is killed at its second unit: before its file is written, or before it is
renamed."""


def test_run_that_is_killed_resumes(data, uninterrupted, tmp_path) -> None:
    out, plan = tmp_path / "run", make_plan(data)
    arguments = [
        "evaluate", "--data", plan.data, "--classifiers", *plan.classifiers,
        "--methods", *plan.methods, "--metrics", *plan.metrics, "--batch", "2", "--shard", "4",
        "--threads", "1", "--out", str(out),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}

    def python(*arguments: str) -> int:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True
        ).returncode

    for number, moment in enumerate(("before", "after")):
        assert python("-c", KILLED_WHILE_WRITING, moment, *arguments) == -9
        assert len(list(out.glob("rows/[0-9]*"))) == number + 1
    assert list(out.glob("rows/.*"))
    assert python("-m", "unsee", *arguments) == 1  # two photos are damaged
    assert_same_rows(Store(out).read(), uninterrupted)
    assert not list(out.rglob(".*"))


def test_deterministic_rows_are_independent_of_batch_threads_and_chunk(data, tmp_path) -> None:
    names = ("tide:steps=3,grid=6", "gradient")
    metrics = ("deletion", "max_sensitivity:samples=2")
    rows = []
    for batch, threads, chunk in ((1, 2, 1), (4, 1, 16)):
        plan = make_plan(
            data, methods=names, metrics=metrics, limit=3, batch=batch, deterministic=True
        )
        run = Run.begin(plan, tmp_path / str(batch), threads=threads, chunk=chunk)
        try:
            deque(run.local(), maxlen=0)
        finally:
            torch.set_num_threads(1)
        rows.append(run.store.read())
    assert rows[0] == rows[1]
    assert not any(row["error"] for row in rows[0])
    settings = run.store.manifest()["settings"]
    assert settings["deterministic"] is True
    assert Plan.of(settings).deterministic


def test_other_settings_are_refused(data, tmp_path) -> None:
    out = tmp_path / "run"
    Run.begin(make_plan(data), out, threads=1)
    with pytest.raises(InputError, match="seed: was 0, now 1"):
        Run.begin(make_plan(data, seed=1), out)
    with pytest.raises(InputError, match="limit: was None, now 5"):
        Run.begin(make_plan(data, limit=5), out)
    with pytest.raises(InputError, match="fit: was None, now resize"):
        Run.begin(make_plan(data, fit="resize"), out)
    with pytest.raises(InputError, match="precision: was float32"):
        Run.begin(make_plan(data), out, precision="bfloat16")


def test_other_annotations_and_versions_are_refused(data, tmp_path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "run"
    shutil.copytree(data, photos)
    Run.begin(make_plan(photos), out)
    manifest = json.loads((out / "run.json").read_text())
    entries = json.loads((photos / "annotations.json").read_text())
    entries[0]["index"] = 4
    (photos / "annotations.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match="a run with other annotations"):
        Run.begin(make_plan(photos), out)
    entries[0]["index"] = 0
    (photos / "annotations.json").write_text(json.dumps(entries))
    manifest["versions"]["torch"] = "1.0"
    (out / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"other versions \(torch: was 1.0"):
        Run.begin(make_plan(photos), out)


def test_maps_are_saved_on_request(data, tmp_path) -> None:
    run_plan(make_plan(data, methods=("random",), save_maps=True, limit=4), tmp_path / "run")
    (path,) = (tmp_path / "run" / "maps").iterdir()
    with np.load(path) as maps:
        assert sorted(maps) == ["0.png", "1.png", "2.png"]
        assert maps["0.png"].shape == (24, 24)


def test_saved_maps_keep_small_and_large_values(data, tmp_path, monkeypatch) -> None:
    run = Run.begin(make_plan(data, methods=("gradient",), save_maps=True, limit=1), tmp_path / "r")
    original = Method.run

    def scaled(self, score):
        for step in original(self, score):
            saliency = step.saliency() / step.saliency().abs().max()
            yield step._replace(saliency=lambda map_=saliency: map_ * scale)

    monkeypatch.setattr(Method, "run", scaled)
    for shard, scale in enumerate((1e-12, 1e12)):
        (unit,) = run.units()
        run.compute(unit._replace(shard=shard))
        saved = run.store.read_maps(0, shard)["0.png"]
        assert np.abs(saved).max() == pytest.approx(scale)
        assert len(np.unique(saved)) > 100


def test_missing_package_is_reported_before_loading(data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("unsee.methods.base.find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs captum; install it: python -m pip install captum"):
        Run.begin(make_plan(data, methods=("integrated_gradients",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()
