"""Folders of runs after kills and crashes, and data that cannot be read."""

import json
import threading
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.evaluation.test_runs import done, plan, same
from unsee import InputError
from unsee.evaluation.run import Run
from unsee.evaluation.store import MANIFEST, Store


@pytest.fixture
def zipped(tmp_path):
    """Four photos of which the second is damaged inside the archive, the third of no class."""
    path, g = tmp_path / "photos.zip", np.random.default_rng(0)
    entries = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(4):
            Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "one.bmp")
            archive.write(tmp_path / "one.bmp", f"{number}.bmp")
            entries.append({"file": f"{number}.bmp", "index": number})
        archive.writestr("annotations.json", json.dumps(entries))
        damaged = archive.getinfo("1.bmp").header_offset + 500
    content = bytearray(path.read_bytes())
    content[damaged] ^= 255
    path.write_bytes(content)
    return path


def test_a_damaged_archive_is_a_row_and_the_run_goes_on(zipped, tmp_path) -> None:
    rows = done(plan(zipped, methods=("random",), metrics=("gini",)), tmp_path / "run")
    told = {row["photo"]: row["error"] for row in rows}
    assert "1.bmp cannot be read: Bad CRC-32" in told["1.bmp"]
    assert [name for name, error in told.items() if error is None] == ["0.bmp", "2.bmp", "3.bmp"]


def test_all_photos_bad_leaves_a_row_each(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"broken")
    (tmp_path / "annotations.json").write_text(
        json.dumps([{"file": "a.png", "index": 0}, {"file": "b.png", "index": 1}])
    )
    rows = done(plan(tmp_path, methods=("random",), metrics=("gini",)), tmp_path / "run")
    assert all("not a photo" in row["error"] for row in rows)
    assert len(rows) == 2


def test_all_files_of_a_run_have_the_same_columns(zipped, tmp_path) -> None:
    out = tmp_path / "run"
    done(plan(zipped, methods=("random",), metrics=("gini",), shard=1), out)
    schemas = [pq.read_schema(path).remove_metadata() for path in sorted((out / "rows").iterdir())]
    assert len(schemas) == 4
    assert all(schema == schemas[0] for schema in schemas)
    assert len(pq.read_table(out / "rows")) == 4


def test_a_folder_of_a_run_that_was_killed_as_it_began_is_taken(zipped, tmp_path) -> None:
    out, asked = tmp_path / "run", plan(zipped, methods=("random",), metrics=("gini",))
    for folder in ("rows", "maps"):
        (out / folder).mkdir(parents=True)
    (out / f".{MANIFEST}.5.unfinished").write_bytes(b"half")
    assert len(done(asked, out)) == 4
    (out / MANIFEST).unlink()
    with pytest.raises(InputError, match="is no run"):
        Run.begin(asked, out)


def test_of_many_that_begin_a_run_at_once_one_is_frozen(tmp_path) -> None:
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


def test_a_file_that_a_crash_cut_short_is_done_again(zipped, tmp_path) -> None:
    out, asked = tmp_path / "run", plan(zipped, methods=("random",), metrics=("gini",), shard=2)
    rows = done(asked, out)
    first, second = sorted((out / "rows").iterdir())
    first.write_bytes(first.read_bytes()[:-20])
    second.write_bytes(b"")
    run = Run.begin(asked, out)
    assert len(run.missing()) == 2
    same(done(asked, out), rows)


def test_a_class_below_zero_is_refused_not_guessed(tmp_path) -> None:
    from dataclasses import replace

    from unsee.evaluation.worker import classifier_of, framed

    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "annotations.json").write_text(json.dumps([{"file": "a.png", "index": 2}]))
    asked = plan(tmp_path)
    (sample,) = asked.samples()
    classifier = classifier_of("tests.toys:classifier", 4, None, "float32")
    unlabelled = replace(sample, target=-1)  # as Hugging Face writes "no label"
    with pytest.raises(InputError, match="class from 0 on, got -1"):
        framed(unlabelled, asked, classifier)
    assert framed(unlabelled, replace(asked, target="top1"), classifier).target is None
    assert framed(sample, asked, classifier).target == 2


def test_a_judge_does_not_change_what_a_method_is_asked_again(zipped, tmp_path) -> None:
    own, judged = (
        done(
            plan(
                zipped, methods=("rise:samples=8",), metric_infiller=judge, limit=1,
                metrics=("max_sensitivity", "average_drop"),
            ),
            tmp_path / (judge or "own"),
        )[0]
        for judge in (None, "noise")
    )  # fmt: skip
    assert own["max_sensitivity"] == judged["max_sensitivity"]
    assert own["average_drop"] != judged["average_drop"]
