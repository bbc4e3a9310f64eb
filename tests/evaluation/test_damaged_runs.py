"""Folders of runs that are damaged, of another version, or made by somebody else."""

import errno
import json
import os
import pickle
import shutil
import signal
import sys
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluation.runs import make_plan, run_plan
from unsee import InputError
from unsee.cli import main
from unsee.errors import DiskFullError
from unsee.evaluation import loaded
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.reports.gallery import examples
from unsee.reports.results import Results
from unsee.storage.folders import new_file

CHEAP = {"methods": ("random",), "metrics": ("gini",), "limit": 3, "shard": 2}


class Executed:
    """A pickle that ends the tests."""

    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was executed')",)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A finished run with maps."""
    out = tmp_path_factory.mktemp("damaged") / "run"
    run_plan(make_plan(data, **CHEAP, save_maps=True), out)
    return out


@pytest.fixture
def run(whole, tmp_path):
    """A copy of that run."""
    return shutil.copytree(whole, tmp_path / "run")


def read_all(folder) -> None:
    """Read a run as a report does."""
    Results.read([folder])
    examples([folder])


def changed(folder, **settings) -> None:
    """Change settings of a run, or remove those that are `...`."""
    path = folder / "run.json"
    manifest = json.loads(path.read_text())
    manifest["settings"] |= settings
    manifest["settings"] = {k: v for k, v in manifest["settings"].items() if v is not ...}
    path.write_text(json.dumps(manifest))


MANIFESTS = {
    "empty": "", "no object": "[]", "text": '"run"', "deep": "[" * 100_000, "digits": "9" * 5000,
    "settings": '{"settings": 3}', "lacking": "{}", "nan": '{"photos": NaN}',
}  # fmt: skip


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_manifest_that_is_none_is_refused(run, content) -> None:
    (run / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json: ") as error:
        read_all(run)
    assert "\n" not in str(error.value)


def test_manifest_in_another_encoding_or_place_is_refused(run) -> None:
    path = run / "run.json"
    path.write_bytes(path.read_text().replace('"random"', '"é"').encode("latin-1"))
    with pytest.raises(InputError, match=r"run\.json: not UTF-8"):
        read_all(run)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"run\.json: is a folder"):
        read_all(run)
    path.rmdir()
    if sys.platform != "win32":
        os.mkfifo(path)
        with pytest.raises(InputError, match=r"run\.json: is a device or a pipe"):
            read_all(run)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classifiers": "text"}, "settings.classifiers to be a list"),
        ({"methods": [1]}, r"settings.methods\[0\] to be a text"),
        ({"methods": []}, "1 to 100,000 combinations"),
        ({"methods": ["a"] * 1000, "infillers": ["b"] * 1000}, "1 to 100,000 combinations"),
        ({"metrics": 3}, "settings.metrics to be a list"),
        ({"data": None}, "settings.data to be a text"),
        ({"data": ...}, "lacks settings.data"),
        ({"seed": "0"}, "settings.seed to be an integer"),
        ({"shard": 0}, "settings.shard to be at least 1"),
        ({"save_maps": "yes"}, "settings.save_maps to be true or false"),
        ({"batch": -1}, "expected batch >= 1, got -1"),
    ],
)
def test_settings_of_other_types_are_refused(run, settings, message) -> None:
    changed(run, **settings)
    with pytest.raises(InputError, match=rf"run\.json: .*{message}"):
        read_all(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": "three"}, "photos to be an integer"),
        ({"photos": 10**12}, "photos to be 1 to"),
        ({"threads": 10**9}, "threads to be 1 to"),
        ({"versions": {}}, "lacks versions.unsee"),
        ({"versions": {"unsee": 1, "torch": "2"}}, "versions.unsee to be a text"),
        ({"table": []}, "table to be a mapping"),
        ({"table": {"paper": [{"method": "a", "metric": "b", "value": "c"}]}}, "finite number"),
        ({"table": {"names": [{"metod": "a"}]}}, "did you mean 'method'"),
        ({"format": 2}, "a run of format 2, expected 1; use the version of unsee"),
        ({"format": "new"}, "a run of format 'new'"),
    ],
)
def test_manifests_of_other_types_are_refused(run, change, message) -> None:
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=rf"run\.json: .*{message}"):
        read_all(run)


VIEW = {"framing": {"size": [32, 32]}, "channels": 3, "labels": []}


@pytest.mark.parametrize(
    "view",
    [
        {}, [], {**VIEW, "labels": "cat"}, {**VIEW, "channels": 10**6}, {**VIEW, "framing": 3},
        {**VIEW, "framing": {"size": [10**6, 10**6]}}, {**VIEW, "framing": {"size": [0, 3]}},
        {**VIEW, "framing": {"size": [32, 32], "share": float("nan")}},
        {**VIEW, "framing": {"size": [32, 32], "fit": "squeeze"}},
    ],
)  # fmt: skip
def test_view_of_another_shape_is_refused(run, view) -> None:
    (run / "classifier-0.json").write_text(json.dumps(view))
    with pytest.raises(InputError, match=r"classifier-0\.json: "):
        read_all(run)


def rows_of(folder):
    return sorted((folder / "rows").glob("*.parquet"))[0]


def _table(**columns) -> pa.Table:
    texts = {"photo": ["a"], "classifier": ["c"], "method": ["m"], "infiller": ["own"]}
    error = pa.array([None], pa.string())
    return pa.table({**texts, "error": error, "gini": [0.5], **columns})


@pytest.mark.parametrize(
    "table",
    [
        _table(photo=[3]), _table(gini=["text"]), _table(error=[1.5]), _table(gini=[[1.0]]),
        _table(photo=pa.array([None], pa.string())), _table(method=pa.array([b"\xff"])),
        pa.table({"other": [1]}), _table().drop_columns(["classifier"]),
        _table().drop_columns(["error"]), _table().drop_columns(["gini"]),
    ],
)  # fmt: skip
def test_rows_of_another_schema_are_refused(run, table) -> None:
    pq.write_table(table, rows_of(run))
    with pytest.raises(InputError, match=r"parquet|rows lack"):
        read_all(run)


@pytest.mark.parametrize("keep", [0, 4, 40, -8])
def test_damaged_rows_are_refused_with_their_name(run, keep) -> None:
    path = rows_of(run)
    content = path.read_bytes()
    path.write_bytes(content[:keep] + b"PAR1")
    with pytest.raises(InputError, match=rf"{path.name} cannot be read.*remove it and run again"):
        read_all(run)
    path.write_bytes(content[: len(content) // 2] + bytes(64) + content[len(content) // 2 :])
    with pytest.raises(InputError, match=path.name):
        read_all(run)


def test_rows_of_one_photo_twice_or_without_cost(run) -> None:
    rows = pq.read_table(rows_of(run))
    pq.write_table(pa.concat_tables([rows, rows]), rows_of(run))
    with pytest.raises(InputError, match="has two rows of a photo by random"):
        read_all(run)
    for path in (run / "rows").iterdir():
        path.unlink()
    pq.write_table(rows.drop_columns(["forwards", "backwards"]), run / "rows/0000-000000.parquet")
    results = Results.read([run])
    assert results.passes(results.configurations[0]) == (0, 0)


def test_ranges_of_millions_of_columns_are_refused(run) -> None:
    text = "localisation:alpha=0:0.999:0.001,threshold=0:0.999:0.001"
    changed(run, metrics=[text])
    with pytest.raises(InputError, match="at most 10,000 columns"):
        read_all(run)


def test_rows_larger_than_a_run_are_refused(run, monkeypatch) -> None:
    monkeypatch.setattr("unsee.evaluation.rows.MAX_ROWS", 1)
    with pytest.raises(InputError, match="more rows than a run can have"):
        read_all(run)
    monkeypatch.setattr("unsee.evaluation.rows.MAX_ROWS", 100)
    monkeypatch.setattr("unsee.evaluation.rows.MAX_GROUP_BYTES", 10)
    with pytest.raises(InputError, match="more rows than a run can have"):
        read_all(run)


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_pipe_in_place_of_rows_is_no_finished_unit(run) -> None:
    path = rows_of(run)
    path.unlink()
    os.mkfifo(path)
    assert not Store(run).has(0, 0)
    with pytest.raises(InputError, match="is a device or a pipe"):
        read_all(run)


def maps_of(folder):
    return sorted((folder / "maps").glob("*.npz"))[0]


def test_damaged_maps_are_refused_and_pickles_not_executed(run) -> None:
    path = maps_of(run)
    objects = np.array([Executed()], dtype=object)
    for content in (b"", b"PAR1", pickle.dumps(Executed()), path.read_bytes()[:-30]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{path.name}: "):
            read_all(run)
    for maps in ({"0.png": objects}, {"0.png": np.zeros((3, 3))}, {"0.png": np.array([["text"]])}):
        np.savez(path, **maps)
        with pytest.raises(InputError, match=rf"{path.name}: "):
            read_all(run)
    np.savez(path, **{"0.png": np.zeros((3, 3), np.float16)})  # of another size: not shown
    assert all(example.id != "0.png" for example in examples([run]))


def test_report_of_a_damaged_run_is_one_line(run, tmp_path, capsys) -> None:
    rows_of(run).write_bytes(b"PAR1")
    assert main(["report", str(run), "--out", str(tmp_path / "report")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert rows_of(run).name in line
    assert not (tmp_path / "report").exists()


def test_resuming_a_damaged_run_is_refused(run, data) -> None:
    plan = make_plan(data, **CHEAP, save_maps=True)
    for content in ("[]", "{}", "[" * 100_000, '{"settings": 3, "photos": "x"}'):
        (run / "run.json").write_text(content)
        with pytest.raises(InputError, match="run"):
            Run.begin(plan, run, threads=1)


def test_a_folder_cannot_grant_trust(run, data, tmp_path) -> None:
    """Programs are loaded by what the command says, never by what a folder or a file says."""
    plan = make_plan(data, **CHEAP, save_maps=True)
    changed(run, trust=True)
    with pytest.raises(InputError, match="other settings"):
        Run.begin(plan, run, threads=1)
    changed(run, trust=..., classifiers=["file:a.pt2,trust=true"])
    with pytest.raises(InputError, match="other settings"):
        Run.begin(plan, run, threads=1)
    changed(run, classifiers=["tests.toys:classifier"])
    settings = json.loads((run / "run.json").read_text())["settings"]
    assert not Plan.of(settings | {"trust": True}).trust
    (tmp_path / "plan.toml").write_text("trust = true")
    assert main(["evaluate", "--plan", str(tmp_path / "plan.toml"), "--data", "x"]) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"classifiers": ("file:a.pt2,trust=true",)},
        {"infillers": ("lama:weights=a.pt,trust=true",)},
        {"metric_infiller": "lama:a.pt,trust=true"},
        {"reference_classifiers": ("file:a.pt2,trust=true",)},
    ],
)
def test_trust_is_no_setting_of_a_part_in_a_run(settings, data, tmp_path) -> None:
    with pytest.raises(InputError, match="pass trust=True") as error:
        Run.begin(make_plan(data, **{**CHEAP, **settings}), tmp_path / "run")
    assert "pass --trust" in error.value.in_shell()
    assert not (tmp_path / "run").exists()


def test_trust_of_a_run_reaches_the_parts_that_have_it(data, tmp_path, monkeypatch) -> None:
    trusted = {}

    def load(self, argument):
        trusted[argument] = self.trust
        raise InputError("loaded")

    monkeypatch.setattr("unsee.sources.file.File.load", load)
    for trust in (True, False, True):
        plan = make_plan(data, **CHEAP, classifiers=("file:a.pt2",), trust=trust)
        run = Run.begin(plan, tmp_path / "run", threads=1)
        assert "trust" not in (tmp_path / "run" / "run.json").read_text()
        with pytest.raises(InputError, match="loaded"):
            next(run.local())
        assert trusted == {"a.pt2": trust}


def test_programs_without_trust_stop_a_run_before_it_begins(data, tmp_path) -> None:
    (tmp_path / "a.pt").write_bytes(b"program")
    spec = f"lama:{tmp_path / 'a.pt'}"
    parts = {"infillers": (spec,)}, {"metric_infiller": spec}
    for settings in parts:
        plan = make_plan(data, **{**CHEAP, **settings})
        with pytest.raises(InputError, match="trust"):
            loaded.load_parts(plan, 16, "cpu", "float32")
    for option, name in (("--infillers", spec), ("--reference-classifiers", "file:none.pt")):
        words = ["evaluate", "--data", str(data), "--out", str(tmp_path / "run"), option, name]
        assert main([*words, "--classifier", "tests.toys:classifier"]) == 2
        assert not (tmp_path / "run").exists()


def test_specification_with_trust_is_that_of_the_part() -> None:
    plan = Plan(trust=True)
    assert plan.spec("sources", "file:a.pt2,labels=b") == "file:a.pt2,labels=b,trust=true"
    assert plan.spec("infillers", "lama") == "lama:trust=true"
    assert plan.spec("infillers", "lama:a.pt") == "lama:a.pt,trust=true"
    assert plan.spec("infillers", "blur:sigma=3") == "blur:sigma=3"
    assert plan.spec("infillers", "own") == "own"
    assert Plan().spec("sources", "file:a.pt2") == "file:a.pt2"


def test_run_that_fails_before_its_first_row_leaves_no_folder(data, tmp_path, monkeypatch) -> None:
    missing = make_plan(data, **CHEAP, classifiers=("file:missing.pt",))
    with pytest.raises(InputError, match=r"missing\.pt"):
        run_plan(missing, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "rows").mkdir()
    with pytest.raises(InputError, match=r"missing\.pt"):
        run_plan(missing, tmp_path / "run")
    assert (tmp_path / "run").exists()  # it was there before


def test_failed_run_keeps_its_rows(data, tmp_path, monkeypatch) -> None:
    run = Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    steps = run.local()
    next(steps)
    monkeypatch.setattr(Run, "compute", lambda *_: (_ for _ in ()).throw(InputError("broken")))
    with pytest.raises(InputError, match="broken"):
        next(steps)
    assert len(run.store.read()) == 2


@pytest.mark.parametrize("broken", ["rows", "maps"])
def test_full_disk_leaves_no_temporary_file(data, tmp_path, monkeypatch, broken) -> None:
    run = Run.begin(make_plan(data, **CHEAP, save_maps=True), tmp_path / "run", threads=1)
    steps = run.local()
    next(steps)
    written = sorted(path.name for path in run.store.folder.rglob("*"))

    def full(*_arguments, **_settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    if broken == "rows":
        monkeypatch.setattr(pq, "write_table", full)
    else:
        monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(DiskFullError, match="No space left") as error:
        next(steps)
    assert "\n" not in str(error.value)
    left = {path.name for path in run.store.folder.rglob("*")} - set(written)
    assert left <= {"0000-000001.npz"}  # complete maps without rows are computed again


def test_output_that_is_a_file_or_read_only_is_refused(data, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match="file"):
            Run.begin(make_plan(data, **CHEAP), out, threads=1)
    assert (tmp_path / "file").read_text() == "mine"

    def refuse(*_arguments, **_settings):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("unsee.storage.workplace.Path.mkdir", refuse)
    with pytest.raises(InputError, match=r"run: cannot be written .Permission denied"):
        Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and locks")
def test_files_of_a_killed_writer_are_removed_at_the_next_start(data, tmp_path) -> None:
    run = Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    path = run.store.path(0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fork beside threads: the child only writes a file
        child = os.fork()
    if not child:
        try:
            with new_file(path) as unfinished:
                unfinished.write_bytes(b"half")
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert list(run.store.rows.iterdir())
    assert not list(run.store.walk())
    Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    assert not list(run.store.rows.iterdir())


def test_clean_up_leaves_files_of_running_writers(data, tmp_path) -> None:
    run = Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    path = run.store.maps / "0000-000000.npz"
    with new_file(path) as unfinished:
        unfinished.write_bytes(b"of the first writer")
        run.store.clean()  # of the second
        Run.begin(make_plan(data, **CHEAP), tmp_path / "run", threads=1)
    assert path.read_bytes() == b"of the first writer"
