"""Folders of runs after interruptions and crashes."""

import json
import shutil
import sys
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.evaluation.runs import assert_same_rows, make_plan, run_plan
from unsee import InputError
from unsee.evaluation.run import Run
from unsee.evaluation.store import MANIFEST, Store

CHEAP = {"methods": ("random",), "metrics": ("gini",)}


def test_all_files_of_a_run_have_the_same_columns(data, tmp_path) -> None:
    out = tmp_path / "run"
    run_plan(make_plan(data, **CHEAP, shard=1, limit=4), out)
    schemas = [pq.read_schema(path).remove_metadata() for path in sorted((out / "rows").iterdir())]
    assert len(schemas) == 4
    assert all(schema == schemas[0] for schema in schemas)
    assert len(pq.read_table(out / "rows")) == 4


def test_folder_of_an_interrupted_begin_is_accepted(data, tmp_path) -> None:
    out, plan = tmp_path / "run", make_plan(data, **CHEAP, limit=4)
    for folder in ("rows", "maps"):
        (out / folder).mkdir(parents=True)
    (out / f".{MANIFEST}.5.unfinished").write_bytes(b"half")
    assert len(run_plan(plan, out)) == 4
    (out / MANIFEST).unlink()
    with pytest.raises(InputError, match="is not a run"):
        Run.begin(plan, out)


def test_folder_that_is_not_a_run_is_refused(data, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(InputError, match="is not a run"):
        Run.begin(make_plan(data), tmp_path)
    with pytest.raises(InputError, match="is not a run"):
        Store(tmp_path / "nowhere").manifest()


def test_first_of_many_concurrent_manifests_wins(tmp_path) -> None:
    refused, barrier = [], threading.Barrier(8)

    def begin(number: int) -> None:
        barrier.wait()
        try:
            Store(tmp_path / "run").begin({"settings": {"seed": number % 2}, "photos": 1})
        except InputError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4
    assert all("a run with other settings (seed" in text for text in refused)
    assert [path.name for path in (tmp_path / "run").iterdir() if path.is_file()] == [MANIFEST]


def test_truncated_file_is_computed_again(data, tmp_path) -> None:
    out, plan = tmp_path / "run", make_plan(data, **CHEAP, shard=2, limit=4)
    rows = run_plan(plan, out)
    first, second = sorted((out / "rows").iterdir())
    first.write_bytes(first.read_bytes()[:-20])
    second.write_bytes(b"")
    run = Run.begin(plan, out)
    assert len(run.missing()) == 2
    assert_same_rows(run_plan(plan, out), rows)


def test_unreadable_file_is_reported(tmp_path) -> None:
    store = Store(tmp_path / "run")
    store.begin({})
    store.path(0, 0).write_bytes(b"broken")
    with pytest.raises(InputError, match="remove it and run again"):
        store.read()


def test_run_behind_a_link_overwrites_no_rows_of_another(data, tmp_path, monkeypatch) -> None:
    (tmp_path / "disk" / "data").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    Path("link").symlink_to(tmp_path / "disk" / "data")
    run_plan(make_plan(data, **CHEAP, limit=2, save_maps=True), Path("run"))
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    rows = run_plan(make_plan(data, **CHEAP, limit=2, save_maps=True, seed=1), Path("link/../run"))
    assert len(rows) == 2
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_manifest_of_another_program_is_refused_before_folders_are_made(data, tmp_path) -> None:
    for content in ({"name": "a race"}, {"settings": {"seed": 1}}, []):
        (tmp_path / MANIFEST).write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"other settings|expected the manifest"):
            Run.begin(make_plan(data, **CHEAP), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_name_of_a_hidden_folder_is_refused_for_a_run(data, tmp_path) -> None:
    with pytest.raises(InputError, match="another name"):
        Run.begin(make_plan(data, **CHEAP), tmp_path / f".unsee-{1:032x}")


def _stop(run: Run, monkeypatch) -> None:
    """Interrupt the first unit of a run."""

    def interrupt(*_arguments) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "compute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(run.local())


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
@pytest.mark.parametrize("how", ["begin", "restore"])
def test_interrupted_process_leaves_the_run_that_another_has_joined(
    data, tmp_path, monkeypatch, how
) -> None:
    plan = make_plan(data, **CHEAP, limit=2)
    first = Run.begin(plan, tmp_path / "run", threads=1)
    second = (
        Run.begin(plan, tmp_path / "run", threads=1)
        if how == "begin"
        else Run.restore(**first.portable())
    )
    _stop(first, monkeypatch)
    assert len(list(second.local())) == 1
    assert second.store.info().photos == 2
    assert len(Run.begin(plan, tmp_path / "run").store.read()) == 2


def test_interrupted_process_that_is_alone_leaves_no_run(data, tmp_path, monkeypatch) -> None:
    plan = make_plan(data, **CHEAP, limit=2)
    first = Run.begin(plan, tmp_path / "run", threads=1)
    second = Run.begin(plan, tmp_path / "run", threads=1)
    del second  # it has ended without a row
    _stop(first, monkeypatch)
    assert not (tmp_path / "run").exists()


def test_rows_are_not_written_without_their_run(data, tmp_path) -> None:
    run = Run.begin(make_plan(data, **CHEAP, limit=2), tmp_path / "run", threads=1)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(InputError, match=r"run\.json was removed"):
        list(run.local())
    assert not (tmp_path / "run" / "rows").exists()


def test_hidden_files_of_the_user_stay(tmp_path) -> None:
    store = Store(tmp_path / "run")
    store.begin({"settings": {"seed": 0}, "photos": 3})
    files = [
        store.rows / ".mine.unfinished",
        store.maps / ".mine.npz",
        store.maps / ".x.unfinished",
    ]
    for file in files:
        file.write_text("of the user")
    store.clean()
    assert [file.read_text() for file in files] == ["of the user"] * 3
