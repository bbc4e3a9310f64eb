"""Runs on workers of Ray give the same rows."""

import os
import shutil
from pathlib import Path

import pytest

from tests.evaluation.colours import COLOURS, write
from tests.evaluation.runs import ROOT, assert_same_rows, make_plan
from unsee import InputError
from unsee.evaluation.ray import Cluster, _connect, _environment, distribute
from unsee.evaluation.run import Run

ray = pytest.importorskip("ray")


@pytest.fixture
def importable(monkeypatch):
    """Workers import `tests.toys`; Ray stops afterwards."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
    yield monkeypatch
    ray.shutdown()


def test_dead_worker_is_replaced_and_rows_are_the_same(
    data, uninterrupted, tmp_path, importable
) -> None:
    marker = tmp_path / "died"
    importable.setenv("UNSEE_TEST_DIE_ONCE", str(marker))
    plan = make_plan(data, classifiers=("tests.toys:dies_once",))
    run = Run.begin(plan, tmp_path / "run", threads=1)
    assert len(list(distribute(run, Cluster(workers=2, cpus=0.5)))) == 9
    assert marker.exists()
    assert run.missing() == []
    assert_same_rows(run.store.read(), uninterrupted, ignored=("classifier",))


def test_no_module_of_the_working_folder_runs_unless_the_plan_names_it(
    data, tmp_path, importable
) -> None:
    """Ray would let its workers import `pandas` and others from there."""
    for name in ("pandas", "pyarrow", "captum", "setproctitle", "torch"):
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})"
        )
    (tmp_path / "matplotlibrc").write_bytes(b"\xff")  # matplotlib cannot read it
    (tmp_path / "mine.py").write_text("from tests.toys import classifier")
    (tmp_path / "photos").symlink_to(data)
    importable.chdir(tmp_path)
    methods = ("random", "gradient")
    plan = make_plan("photos", classifiers=("mine:classifier",), methods=methods, limit=2)
    run = Run.begin(plan, Path("run"), threads=1)
    assert len(list(distribute(run, Cluster(workers=1, cpus=0.5)))) == 2
    assert [row["error"] for row in run.store.read()] == [None] * 4
    assert not (tmp_path / "ran").exists()


def test_workers_take_the_photos_that_the_run_lists(tmp_path, importable) -> None:
    folder = write(tmp_path / "photos", [0, 1, 2, 0, 1, 2], [0, 1, 0, 0, 2, 2])
    plan = make_plan(
        folder, classifiers=(COLOURS,), methods=("random",), metrics=("gini",), correct=True,
        limit=3, shard=2, subset="random",
    )  # fmt: skip
    run = Run.begin(plan, tmp_path / "run", threads=1)
    write(folder, [0, 1, 2] * 10, [0, 1, 2] * 10, start=6)
    assert len(list(distribute(run, Cluster(workers=1, cpus=0.5)))) == 2
    rows = run.store.read()
    assert [row["photo"] for row in rows] == [sample.id for sample in run.samples]
    assert [row["predicted"] for row in rows] == [row["target"] for row in rows]


def test_relative_folders_of_modules_are_absolute_for_workers(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("src", "", "/lib")))
    expected = os.pathsep.join((str(tmp_path / "src"), os.path.abspath("/lib")))  # noqa: PTH100
    assert _environment(1)["PYTHONPATH"] == expected
    monkeypatch.setenv("PYTHONPATH", "/lib")
    assert "PYTHONPATH" not in _environment(1)


def test_worker_that_cannot_start_is_reported(data, tmp_path, importable) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(data, photos)
    run = Run.begin(make_plan(photos), tmp_path / "run", threads=1)
    shutil.rmtree(photos)  # as on a machine that cannot read the data
    with pytest.raises(InputError, match=r"a worker could not start.*no such data set"):
        list(distribute(run, Cluster(workers=1, cpus=0.5)))


def test_cluster_settings_are_checked() -> None:
    with pytest.raises(InputError, match="expected workers >= 1"):
        Cluster(workers=0)


@pytest.mark.parametrize(
    ("address", "variable", "used"),
    [(None, None, "local"), (None, "host:1", "host:1"), ("host:2", "host:1", "host:2")],
)
def test_no_cluster_is_used_that_the_user_does_not_name(
    monkeypatch, address, variable, used
) -> None:
    """Ray would connect to what `/tmp/ray/ray_current_cluster` names, which any user may write."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    addresses: list[str] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda address, **_: addresses.append(address))
    _connect(Cluster(address=address))
    assert addresses == [used]
