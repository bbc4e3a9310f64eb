"""Photos that failed are tried once by each command; all other rows stay as they are."""

import errno
import os
from urllib.error import URLError

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, toy
from tests.evaluation.runs import assert_same_rows, make_plan, run_plan
from unsee.cli import main
from unsee.errors import InputError, as_input_error
from unsee.evaluation import loaded, worker
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.registry import part
from unsee.reports.results import Results
from unsee.study import Study

BROKEN = "3.png"
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
    assert read == [FAILED, BROKEN] * 2
    assert files_of(out) == before
    read = disk()
    assert_same_rows(run_plan(plan, out), whole)
    assert read == [FAILED, BROKEN] * 2
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
    assert read == [BROKEN] * 2


def test_command_tries_a_photo_again(data, tmp_path, disk, capsys) -> None:
    command = [
        "evaluate", "--data", str(data), "--classifier", "tests.toys:classifier", "--methods",
        "random", "--metrics", "gini", "--limit", "3", "--subset", "first",
        "--threads", "1", "--out",
        str(tmp_path / "run"),
    ]  # fmt: skip
    disk(FAILED)
    assert main(command) == 1
    assert "2.png: cannot be read" in capsys.readouterr().err
    disk()
    assert main(command) == 0
    assert not any(row["error"] for row in Store(tmp_path / "run").read())


OUTAGE: list[type[Exception]] = []
"""Error that the classifiers raise while it is there."""


def ask(images: np.ndarray) -> np.ndarray:
    """Return probabilities of two classes, or fail as an API does for a while."""
    if OUTAGE:
        raise OUTAGE[0]("timed out")
    light = images.mean((1, 2, 3))
    return np.stack([light, 1 - light], 1)


def network():
    """Return a network that fails as a device does for a while."""

    class Network(Convolutional):
        def forward(self, images):
            if OUTAGE:
                raise OUTAGE[0]("no memory left")
            return super().forward(images)

    return toy(Network(), size=24)


@pytest.mark.parametrize(
    ("classifier", "error"),
    [
        (f"blackbox:{__name__}:ask", URLError),
        (f"blackbox:{__name__}:ask", TimeoutError),
        (f"{__name__}:network", torch.OutOfMemoryError),
    ],
)
def test_an_outage_is_over_in_the_next_command(classifier, error, data, tmp_path) -> None:
    plan = make_plan(
        data, classifiers=(classifier,), methods=("rise:samples=8",), metrics=("gini",), limit=3,
        target="top1",
    )  # fmt: skip
    whole = run_plan(plan, tmp_path / "whole")
    OUTAGE[:] = [error]
    try:
        rows = run_plan(plan, tmp_path / "run")
    finally:
        OUTAGE.clear()
    assert all(row["error"] for row in rows)
    assert_same_rows(run_plan(plan, tmp_path / "run"), whole)
    assert not any(row["error"] for row in whole)


def test_photo_that_was_being_copied_is_read_in_the_next_command(data, tmp_path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    whole = (data / "0.png").read_bytes()
    (photos / "0.png").write_bytes(whole[:900])
    (photos / "1.png").write_bytes((data / "1.png").read_bytes())
    plan = make_plan(photos, **CHEAP, target="top1")
    rows = run_plan(plan, tmp_path / "run")
    assert [row["photo"] for row in rows if row["error"]] == ["0.png"] * 2
    (photos / "0.png").write_bytes(whole)
    assert not any(row["error"] for row in run_plan(plan, tmp_path / "run"))


def values(images: np.ndarray) -> np.ndarray:
    """Return one number of an image, the value of a regression."""
    return 1000 * images.mean((1, 2, 3))[:, None]


def test_a_metric_that_fails_leaves_the_map_and_the_other_numbers(
    data, tmp_path, monkeypatch
) -> None:
    def fail(self, *_):
        raise RuntimeError("no number")

    plan = make_plan(
        data, methods=("random",), metrics=("gini", "auc"), limit=3, save_maps=True, batch=1
    )
    whole = run_plan(plan, tmp_path / "whole")
    monkeypatch.setenv("UNSEE_DEBUG", "0")
    monkeypatch.setattr(part("metrics", "auc"), "measure", fail)
    rows = run_plan(plan, tmp_path / "run")
    assert [row["auc"] for row in rows] == [None] * 3
    assert [row["error"] for row in rows] == [
        f"{i}.png: auc: unexpected error (RuntimeError: no number); this is a fault of unsee, "
        "please report it; UNSEE_DEBUG=1 shows the traceback"
        for i in range(3)
    ]
    assert_same_rows(rows, whole, ignored=("auc", "error"))
    maps = [Store(tmp_path / name).read_maps(0, 0) for name in ("run", "whole")]
    assert all(np.array_equal(maps[0][photo], maps[1][photo]) for photo in maps[1])
    results = Results.read([tmp_path / "run"])
    (configuration,) = results.measurements
    assert results.mean(configuration, "gini").photos == 3
    assert results.mean(configuration, "auc").photos == 0
    monkeypatch.undo()
    assert_same_rows(run_plan(plan, tmp_path / "run"), whole)


@pytest.mark.parametrize(
    ("classifier", "metric", "reason"),
    [
        (f"blackbox:{__name__}:ask", "mprt", "the metric mprt needs the layers of a torch module"),
        (f"blackbox:{__name__}:values,outputs=regression", "deletion",
         "the metric deletion needs a probability, and a regression"),
    ],
)  # fmt: skip
def test_metrics_without_a_number_are_refused_before_the_first_pass(
    classifier, metric, reason, data, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(Study, "of", None)
    command = [
        "evaluate", "--data", str(data), "--classifier", classifier, "--methods", "random",
        "--metrics", "gini", metric, "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(command) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_regression_is_evaluated(data, tmp_path) -> None:
    plan = make_plan(
        data, classifiers=(f"blackbox:{__name__}:values,outputs=regression",), target="top1",
        methods=("rise:samples=8",), metrics=("gini", "pointing_game"), limit=3,
    )  # fmt: skip
    for row in run_plan(plan, tmp_path / "run"):
        assert row["error"] is None
        assert row["gini"] > 0
        assert (row["target"], row["predicted"], row["probability"]) == (0, None, None)
    assert Results.read([tmp_path / "run"])


def test_an_error_of_one_photo_that_is_not_foreseen_ends_no_run(
    data, tmp_path, monkeypatch
) -> None:
    plan = make_plan(data, methods=("random", "box"), metrics=("gini",), limit=3, shard=2)
    whole = run_plan(plan, tmp_path / "whole")
    steps = Study.steps
    classifier = loaded.load_classifier(plan.classifiers[0], 16, None, "float32")
    failing = worker.frame(plan.samples()[1], plan, classifier).image

    def fail_for_some(self):
        if any(torch.equal(image, failing[0]) for image in self.score.images):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return steps(self)

    monkeypatch.setattr(Study, "steps", fail_for_some)
    rows = run_plan(plan, tmp_path / "run")
    assert [row["photo"] for row in rows if row["error"]] == ["1.png"] * 2
    message = "1.png: out of memory (CUDA out of memory); free memory, use smaller images"
    assert all(message in row["error"] for row in rows if row["error"])
    assert_same_rows(
        [row for row in rows if not row["error"]],
        [row for row in whole if row["photo"] != "1.png"],
    )


def test_a_good_row_is_replaced_by_no_error_of_another_process(data, tmp_path, monkeypatch) -> None:
    plan = make_plan(data, **CHEAP, limit=2, save_maps=True)
    whole = run_plan(plan, tmp_path / "whole")
    slow = Run.begin(plan, tmp_path / "run", threads=1)
    evaluate = worker.evaluate

    def evaluate_while_another_process_finishes(plan, combination, samples, classifier):
        monkeypatch.setattr(worker, "evaluate", evaluate)
        run_plan(plan, tmp_path / "run")
        monkeypatch.setattr(worker, "frame", refuse)
        return evaluate(plan, combination, samples, classifier)

    def refuse(*_):
        raise InputError("out of memory")

    monkeypatch.setattr(worker, "evaluate", evaluate_while_another_process_finishes)
    slow.compute(next(slow.units()))
    assert_same_rows(slow.store.read(), whole)
    assert set(slow.store.read_maps(0, 0)) == {"0.png", "1.png"}
