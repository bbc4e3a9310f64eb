"""Reports on configurations that have numbers for different photos."""

import csv
import io
import statistics

import pytest
from rich.console import Console

from unsee.reports import html, markdown, ranking, summary, tables
from unsee.reports.figures import metrics
from unsee.reports.results import Results

LEVEL = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
SCOPE = "on 1 of 6"


@pytest.fixture
def results(write_run, tmp_path):
    """On each photo fido is better by 0.1; rise has a number for the first photo only."""
    write_run("run", photos=6, level=LEVEL, missing={"rise": range(1, 6)})
    return Results.read([tmp_path / "run"])


def in_terminal(table) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(table.terminal())
    return text.getvalue()


def test_mean_of_fewer_photos_says_so_in_every_format(results) -> None:
    table = tables.means(results)
    value = f"{results.mean(results.configurations[1], 'deletion').value:.3f}"
    assert f"{value} {SCOPE}" in in_terminal(table)
    assert f"| {value} {SCOPE} |" in table.markdown()
    assert rf"{value} {{\scriptsize {SCOPE}}}" in table.latex()
    assert f"{value}<small>{SCOPE}</small>" in table.html()
    for text in (in_terminal(table), table.markdown(), table.latex(), table.html()):
        assert text.count(SCOPE) == 1


def test_best_is_that_on_the_shared_photos(results) -> None:
    fido, rise = results.configurations
    assert results.mean(rise, "deletion").value < results.mean(fido, "deletion").value
    assert ranking.best(results, "deletion") == {fido}
    deletion = next(iter(tables.means(results).cells[0][2:]))
    assert deletion.bold
    assert summary.conclusions(results)[0].startswith("deletion: fido is best")


def test_nothing_is_best_where_no_photo_is_shared(write_run, tmp_path) -> None:
    write_run("run", photos=4, missing={"fido": [0, 1], "rise": [2, 3]})
    results = Results.read([tmp_path / "run"])
    assert ranking.best(results, "deletion") == set()
    assert len(ranking.best(results, "insertion")) == 1
    fido, rise = tables.means(results).cells
    assert [cell.bold for cell in (fido[2], rise[2])] == [False, False]
    assert [cell.scope for cell in (fido[2], rise[2])] == ["on 2 of 4", "on 2 of 4"]


def test_best_of_runs_on_different_photos(write_run, tmp_path) -> None:
    write_run("all", methods=("fido",), photos=6, level=LEVEL)
    write_run("few", methods=("rise",), photos=1, level=[0.3])
    results = Results.read([tmp_path / "all", tmp_path / "few"])
    assert [c.method for c in ranking.best(results, "deletion")] == ["fido"]
    assert summary.UNEQUAL_NOTE in summary.table_note(results)


def test_paired_difference_of_fewer_photos_says_so(results) -> None:
    table = tables.differences(results)
    assert SCOPE in in_terminal(table)
    assert table.html().count(SCOPE) == 1
    rows = list(csv.DictReader(io.StringIO(tables.all_numbers(results).csv())))
    pairs = {(row["method"], row["metric"]): row["difference_photos"] for row in rows}
    assert pairs["rise", "deletion"] == "1"
    assert pairs["rise", "insertion"] == "6"
    assert pairs["fido", "deletion"] == ""


def test_spreadsheet_has_the_deviation_over_the_photos(results) -> None:
    rows = csv.DictReader(io.StringIO(tables.all_numbers(results).csv()))
    deviations = {(row["method"], row["metric"]): row["deviation"] for row in rows}
    assert deviations["rise", "deletion"] == ""
    fido = results.configurations[0]
    values = list(results.values(fido, "deletion").values())
    assert float(deviations["fido", "deletion"]) == pytest.approx(statistics.stdev(values))


def test_picture_says_so_too(results) -> None:
    panels = metrics(results).axes
    texts = [[text.get_text() for text in axes.texts if text.get_text()] for axes in panels]
    assert texts == [[SCOPE], []]


def test_note_explains_it_only_where_photos_differ(results, write_run, tmp_path) -> None:
    assert summary.UNEQUAL_NOTE in markdown.markdown(results)
    assert "says so (&#34;on 1 of 6&#34;)" in html.page(results, {})
    write_run("equal")
    equal = Results.read([tmp_path / "equal"])
    assert summary.UNEQUAL_NOTE not in markdown.markdown(equal)
    assert all(not cell.scope for row in tables.means(equal).cells for cell in row)
