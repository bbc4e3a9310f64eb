import pyarrow.parquet as pq
import pytest

from unsee import InputError
from unsee.evaluation.store import Store


def row(photo: str, error: str | None = None) -> dict:
    return {"photo": photo, "method": "rise", "deletion": 0.25, "error": error}


@pytest.fixture
def store(tmp_path):
    """Three units of two combinations."""
    store = Store(tmp_path / "run")
    store.begin({"settings": {"seed": 0}, "photos": 3})
    for combination, shard in ((0, 0), (0, 1), (1, 0)):
        store.write(combination, shard, [row(f"{combination}{shard}")], {}, 1.5 + shard)
    return store


def test_packed_run_reads_the_same(store) -> None:
    rows, seconds, units = store.read(), store.seconds(), store.units()
    store.pack()
    assert not list(store.rows.iterdir())
    for packed in (store, Store(store.folder)):
        assert (packed.read(), packed.seconds(), packed.units()) == (rows, seconds, units)
        assert list(packed.walk(("photo",))) == [{"photo": r["photo"]} for r in rows]
        assert packed.has(0, 1)
        assert not packed.has(1, 1)


def test_packed_run_can_be_continued(store) -> None:
    store.pack()
    store.write(1, 1, [row("11", "broken")], {}, 4.0)
    continued = Store(store.folder)
    continued.begin({"settings": {"seed": 0}, "photos": 3})
    assert continued.units() == 4
    assert continued.seconds() == {0: 4.0, 1: 5.5}
    assert [r["photo"] for r in continued.read()] == ["00", "01", "10", "11"]


def test_unit_file_left_by_an_interrupted_pack_is_not_counted_twice(store) -> None:
    path = store.path(0, 0)
    content = path.read_bytes()
    store.pack()
    path.write_bytes(content)
    again = Store(store.folder)
    assert again.units() == len(again.read()) == 3


def test_packing_is_refused_without_rows_or_twice(store, tmp_path) -> None:
    store.pack()
    with pytest.raises(InputError, match="exists already"):
        store.write(1, 1, [row("11")], {}, 4.0) or store.pack()
    empty = Store(tmp_path / "empty")
    empty.begin({"settings": {}, "photos": 0})
    with pytest.raises(InputError, match="no rows to archive"):
        empty.pack()


def test_damaged_archive_is_refused_and_not_called_replaceable(store, monkeypatch) -> None:
    store.pack()
    with monkeypatch.context() as patch:
        patch.setattr("unsee.evaluation.rows.MAX_ROWS", 1)
        with pytest.raises(InputError, match="more rows") as many:
            Store(store.folder).read()
    store.archive.path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"rows\.parquet cannot be read") as damaged:
        Store(store.folder).read()
    for error in (many, damaged):
        assert "it holds all rows of the run: restore it from a copy" in str(error.value)
        assert "remove" not in str(error.value)


def test_a_large_run_is_packed_in_groups_that_can_be_read(store, monkeypatch) -> None:
    numbers = {f"m{i}": i / 7 for i in range(40)}
    rows = [row(f"{i:05d}") | numbers | {"m0": i / 3} for i in range(500)]
    for combination, shard in ((0, 0), (0, 1), (1, 0)):
        store.write(combination, shard, rows, {}, 1.0)
    monkeypatch.setattr("unsee.evaluation.rows.MAX_GROUP_BYTES", 100_000)
    before = store.read()
    store.pack()
    assert not list(store.rows.iterdir())
    assert Store(store.folder).read() == before
    assert pq.ParquetFile(store.archive.path).metadata.num_row_groups > 10


@pytest.mark.parametrize("name", ["MAX_ROWS", "MAX_GROUP_BYTES"])
def test_rows_that_cannot_be_one_file_are_kept(store, monkeypatch, name) -> None:
    before, files = store.read(), sorted(store.rows.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(f"unsee.evaluation.rows.{name}", 2)
        with pytest.raises(InputError, match="units are kept"):
            store.pack()
    assert sorted(store.rows.iterdir()) == files
    assert not store.archive.path.exists()
    assert store.read() == before
