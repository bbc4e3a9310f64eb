"""The report of a plan with stages: one table and one picture."""

import csv
import math
from itertools import pairwise

import numpy as np
import pytest

from unsee import InputError
from unsee.cli import main
from unsee.evaluation import paper_tables, stages
from unsee.evaluation.stages import SummaryColumn
from unsee.reports import stage_figure, stage_tables
from unsee.reports.results import Results
from unsee.reports.stages import Row, StagedResults

FIDO, RISE = Row("fido", "own"), Row("rise", "own")
COLUMNS = [
    {"metric": "deletion", "label": "Removal"},
    {"metric": "insertion", "label": "Showing", "chance": 0.25},
]


@pytest.fixture
def folder(write_run, tmp_path):
    """A folder of four stages: one with columns, one in which rise fails, two without results."""
    settings = [
        {"name": "own", "columns": COLUMNS}, {"name": "marks"}, {"name": "failed"},
        {"name": "later"},
    ]  # fmt: skip
    stages.begin(tmp_path / "out", stages.stages_of(settings), {"summary": "All tests"})
    write_run("out/own", methods=("fido", "rise", "random"))
    write_run("out/marks", methods=("fido",), metrics=["deletion", "scatter"])
    write_run("out/failed", methods=("rise",), error="3: it needs layers")
    return tmp_path / "out"


def test_summary_has_a_row_for_each_method_and_a_column_for_each_test(folder) -> None:
    results = StagedResults.read([folder])
    assert [test.heading for test in results.tests] == [
        "Removal ↓", "Showing ↑", "marks: deletion ↓",
    ]  # fmt: skip
    own = Results.read([folder / "own"])
    first, second, third = results.tests
    assert results.mean(FIDO, first) == own.mean(own.configurations[0], "deletion")
    assert results.best(first) == {FIDO}
    assert results.mean(RISE, third) is None
    assert (results.chance(second), results.chance(third)) == (0.25, None)
    assert results.chance(first) == results.mean(Row("random", "own"), first).value
    ranks = {row: results.mean_rank(row) for row in results.rows}
    assert list(ranks.values()) == sorted(ranks.values())
    assert results.ranked_tests() == 2  # a test of one method ranks none
    assert str(results.errors[0]).startswith("stage failed: no row without an error")
    assert results.notes == ("stage later: no run; it failed, or has not begun",)


def test_table_marks_the_best_and_has_dashes(folder) -> None:
    results = StagedResults.read([folder])
    lines = stage_tables.means(results).markdown().splitlines()
    (fido,) = [line for line in lines if line.startswith("| fido")]
    mean = results.mean(FIDO, results.tests[0])
    assert f"**{mean.value:.3f}** {mean.interval()}, n = 20" in fido
    (rise,) = [line for line in lines if line.startswith("| rise")]
    assert rise.endswith("| – |")  # noqa: RUF001
    text = stage_tables.markdown(results)
    assert "rise in the stage marks: not in this stage, or not computed yet" in text
    rows = list(csv.DictReader(stage_tables.all_numbers(results).csv().splitlines()))
    assert len(rows) == 3 * 3
    assert float(rows[0]["mean"]) == results.mean(results.rows[0], results.tests[0]).value


def test_a_method_that_explained_no_photo_has_the_reason(write_run, folder) -> None:
    other = folder.parent / "other"
    stages.begin(other, stages.stages_of([{"name": "marks"}]), {})
    write_run("other/marks", methods=("rise",), metrics=["deletion", "scatter"], error="0: why")
    results = StagedResults.read([folder, other])  # stages of one name are read together
    assert "rise in the stage marks: why" in results.missing()


def test_a_statistic_of_maps_does_not_rank_methods(write_run, tmp_path) -> None:
    columns = [{"metric": name, "label": name} for name in ("scatter", "deletion")]
    stages.begin(tmp_path / "a", stages.stages_of([{"name": "own", "columns": columns}]), {})
    write_run("a/own", metrics=["scatter", "deletion"], methods=("fido", "rise"))
    results = StagedResults.read([tmp_path / "a"])
    scatter, deletion = results.tests
    assert results.best(scatter) == set()
    assert results.ranked_tests() == 1
    assert results.mean_rank(FIDO) == 1
    assert "does not count in the mean rank" in stage_tables.test_notes(results)[0]
    assert deletion.name == "own c deletion"


def staged(write_run, tmp_path, **options):
    stages.begin(tmp_path / "s", stages.stages_of([{"name": "own"}]), {})
    write_run("s/own", metrics=["deletion"], level=np.linspace(0, 1, 20), **options)
    return StagedResults.read([tmp_path / "s"])


def test_methods_are_ranked_on_the_photos_that_all_of_them_have(write_run, tmp_path) -> None:
    results = staged(write_run, tmp_path, failed={"fido": range(15), "rise": [19]})
    (test,) = results.tests
    assert results.mean(FIDO, test).value > results.mean(RISE, test).value + 0.2  # lower is better
    assert results.best(test) == {FIDO}  # where both have a number, it is better by 0.1
    assert (results.mean_rank(FIDO), results.mean_rank(RISE)) == (1, 2)
    assert results.rows[0] == FIDO
    assert results.photos(test) == (4, 19)
    words = "In 1 test methods have numbers for different photos and are ranked on those that all"
    assert f"{words} have, 4 of 19 at least." in stage_tables.conclusion(results)
    assert "on the 4 photos that all have, of up to 19." in stage_tables.test_notes(results)[0]


def test_methods_without_a_photo_in_common_are_not_ranked(write_run, tmp_path) -> None:
    results = staged(write_run, tmp_path, failed={"fido": range(15), "rise": range(15, 20)})
    assert results.best(results.tests[0]) == set()
    assert all(math.isnan(results.mean_rank(row)) for row in (FIDO, RISE))
    assert "on the same photos; nothing is ranked" in stage_tables.conclusion(results)
    assert "no photo has a number for all methods" in stage_tables.test_notes(results)[0]


def test_equal_photos_need_no_words(write_run, tmp_path) -> None:
    results = staged(write_run, tmp_path)
    assert stage_tables.conclusion(results).endswith("fido (1.0), rise (2.0).")
    assert "all have" not in stage_tables.test_notes(results)[0]


def test_picture_has_an_axis_for_each_test_with_better_numbers_on_the_right(folder) -> None:
    results = StagedResults.read([folder])
    figure = stage_figure.summary(results)
    rows, *columns = figure.axes
    assert [axes.get_title() for axes in columns] == [
        "Removal\u00a0↓", "Showing\u00a0↑", "marks: deletion\u00a0↓",
    ]  # fmt: skip
    left, right = columns[0].get_xlim()
    assert left > right
    left, right = columns[1].get_xlim()
    assert left < right
    lines = [line for line in columns[1].lines if set(line.get_xdata()) == {0.25}]
    assert len(lines) == 1
    assert [text.get_text() for text in rows.texts] == [results.label(r) for r in results.rows]
    dashes = [text for text in columns[2].texts if text.get_text() == "\u2013"]
    assert len(dashes) == 2


def test_picture_has_the_width_of_a_page_and_room_for_long_names(write_run, tmp_path) -> None:
    methods = [f"casm:weights=a/long/folder/{number}.safetensors" for number in range(29)]
    write_run("run", methods=(*methods, "tide"), metrics=["deletion"], photos=2)
    label = "A test whose name in words takes more than the lines that there are for it " * 2
    names = [f"s{number}" for number in range(16)]
    results = StagedResults(
        dict.fromkeys(names, Results.read([tmp_path / "run"])),
        dict.fromkeys(names, (SummaryColumn("deletion", label),)),
        paper_tables.Table(),
    )
    figure = stage_figure.summary(results)
    assert figure.get_size_inches()[0] < 8.5
    figure.draw_without_rendering()
    rows, *columns = figure.axes
    width, height = figure.bbox.size
    boxes = [text.get_window_extent() for text in (*rows.texts, *(a.title for a in columns))]
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
    assert all(box.y0 >= 0 and box.y1 <= height for box in boxes)
    titles = [axes.title.get_window_extent() for axes in columns]
    assert all(a.x1 <= b.x0 for a, b in pairwise(titles))
    assert sum(text.get_text().endswith("(default)") for text in rows.texts) == 1


def test_few_photos_and_equal_numbers_are_drawn(write_run, tmp_path) -> None:
    stages.begin(tmp_path / "x", stages.stages_of([{"name": "own"}]), {})
    write_run("x/own", methods=("fido",), metrics=["deletion"], photos=1)
    results = StagedResults.read([tmp_path / "x"])
    stage_figure.summary(results).draw_without_rendering()
    assert math.isnan(results.mean_rank(FIDO))
    assert "nothing is ranked" in stage_tables.conclusion(results)


def test_command_writes_a_summary_and_the_report_of_each_stage(folder, tmp_path, capsys) -> None:
    out = tmp_path / "report"
    assert main(["report", str(folder), "--out", str(out)]) == 1  # one stage has no results
    output = capsys.readouterr()
    assert "Lowest mean rank over 2 tests: fido" in output.out
    assert "unsee: stage failed: no row without an error" in output.err
    for name in ("", "own-", "marks-"):
        for suffix in ("html", "md", "csv", "tex"):
            assert (out / f"{name}report.{suffix}").exists()
    assert (out / "summary.png").exists()
    assert "](own-metrics.png)" in (out / "own-report.md").read_text()
    assert (out / "own-metrics.png").exists()
    assert "<p>own: All tests. Evaluation of" in (out / "own-report.html").read_text()
    page = (out / "report.html").read_text()
    assert "<h1>Lowest mean rank over 2 tests: fido" in page
    assert "<p>All tests.</p>" in page
    assert "stage later: no run" in page
    assert main(["report", str(folder), "--out", str(out), "--overwrite"]) == 1


def test_runs_and_stages_are_not_reported_together(folder, tmp_path, capsys) -> None:
    words = [str(folder), str(folder / "own"), "--out", str(tmp_path / "report")]
    assert main(["report", *words]) == 2
    assert "expected a folder of stages, as the others" in capsys.readouterr().err
    stages.begin(tmp_path / "empty", stages.stages_of([{"name": "a"}]), {})
    with pytest.raises(InputError, match="no stage has any results"):
        StagedResults.read([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, ".25"), (-0.5, "-.5"), (1.0, "1"), (5000.0, "5k"), (0.0, "0")]
)
def test_numbers_of_an_axis_are_short(value, text) -> None:
    assert stage_figure._number(value) == text
