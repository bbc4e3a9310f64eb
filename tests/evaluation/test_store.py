"""Folders of runs after interruptions and crashes."""

import threading

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
