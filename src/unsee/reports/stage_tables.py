"""The summary of several stages as a table, and its notes."""

import math

from unsee.errors import printable
from unsee.output import escaping
from unsee.output.table import Cell, Column, Table
from unsee.registry import parse, summary
from unsee.reports.bootstrap import MIN_PHOTOS, Mean
from unsee.reports.photos import counted
from unsee.reports.results import Results
from unsee.reports.stages import DASH, Row, StagedResults, SummaryTest

PICTURE = "summary"
"""Name of the picture of the summary."""
NOTE = (
    "A row for each method, a column for each test: mean, 95 % bootstrap interval (BCa), number of "
    f"photos (an interval needs {MIN_PHOTOS}). The best in bold; ↑ higher, ↓ lower is better; a "
    "dash: no number. Methods are in the order of their mean rank over the tests that rate maps, "
    "1 being the best. A column ranks methods on the photos for which all of them have a number."
)
CAPTION = (
    "Means by method and test: further right is better in every column, whose axis is its own; "
    "lines are 95 % intervals, a diamond is the best of a column, the vertical line is chance, or "
    "the map of random noise"
)
CSV_COLUMNS = (
    "method", "infiller", "stage", "classifier", "metric", "test", "higher_is_better", "mean",
    "low", "high", "photos", "best", "mean_rank",
)  # fmt: skip


def title(results: StagedResults) -> str:
    """Return the summary of the plan, or else the names of its stages."""
    text = results.table.summary or f"Tests of {len(results.rows)} methods"
    return printable(text)


def conclusion(results: StagedResults) -> str:
    """Return which methods have the lowest mean rank."""
    ranked = [row for row in results.rows if not math.isnan(results.mean_rank(row))]
    if len(ranked) < 2:
        return "No test that rates maps compares methods on the same photos; nothing is ranked."
    places = [f"{results.label(row)} ({_rank(results, row)})" for row in ranked[:3]]
    text = f"Lowest mean rank over {results.ranked_tests()} tests: {', '.join(places)}"
    default = next((row for row in ranked if results.is_default(row)), None)
    if default and default not in ranked[:3]:
        place, rank = ranked.index(default) + 1, _rank(results, default)
        text += f"; the default, {results.label(default)}, is number {place} ({rank})"
    return printable(f"{text}.{_unequal(results)}")


def _unequal(results: StagedResults) -> str:
    """Return in how many tests methods have numbers for different photos."""
    counts = [results.photos(test) for test in results.tests if test.ranks_maps]
    fewer = [(shared, most) for shared, most in counts if 0 < shared < most]
    text = ""
    if fewer:
        shared, most = min(fewer, key=lambda pair: pair[0] / pair[1])
        text = (
            f" In {_tests(len(fewer))} methods have numbers for different photos and are ranked on "
            f"those that all have, {shared} of {most} at least."
        )
    if apart := sum(most > 0 == shared for shared, most in counts):
        text += (
            f" {_tests(apart).capitalize()} rank nothing: no photo has a number for all methods."
        )
    return text


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def means(results: StagedResults) -> Table:
    """Return a row for each method and a column for each test."""
    best = {test: results.best(test) for test in results.tests}
    rows = [
        [
            results.label(row),
            _rank_cell(results, row),
            *(_mean_cell(results.mean(row, test), row in best[test]) for test in results.tests),
        ]
        for row in results.rows
    ]
    columns = [Column(test.name, test.heading, ".3f") for test in results.tests]
    return Table(
        [Column("method", align="left"), Column("mean_rank", "mean rank", ".1f"), *columns], rows
    )


def all_numbers(results: StagedResults) -> Table:
    """Return a row for each method and test, for a spreadsheet."""
    rows = []
    for test in results.tests:
        best = results.best(test)
        for row in results.rows:
            mean = results.mean(row, test)
            numbers = [None] * 4 if mean is None else _finite(mean)
            rank = results.mean_rank(row)
            rows.append([
                *row, *test[:4], test.higher_is_better, *numbers, row in best,
                None if math.isnan(rank) else rank,
            ])  # fmt: skip
    return Table([Column(name) for name in CSV_COLUMNS], rows)


def terminal(results: StagedResults) -> Table:
    """Return methods and their mean ranks; the columns are too many for a terminal."""
    rows = [
        [results.label(row), _rank_cell(results, row), results.ranked_tests(row)]
        for row in results.rows
    ]
    columns = [Column("method", align="left"), Column("mean_rank", "mean rank", ".1f")]
    return Table([*columns, Column("tests")], rows)


def test_notes(results: StagedResults) -> list[str]:
    """Return a line for each test: where its numbers come from."""
    return [
        _test_note(results.stages[test.stage], test, results.photos(test)) for test in results.tests
    ]


def notes(results: StagedResults) -> list[str]:
    """Return what is missing: stages without results, and methods that could not run in one."""
    errors = [printable(str(error)) for error in results.errors]
    return [*errors, *results.notes, *results.missing()]


def runs(results: StagedResults) -> list[str]:
    """Return a line for each run: its photos, settings and versions."""
    return [str(run) for stage in results.stages.values() for run in stage.runs]


def markdown(results: StagedResults) -> str:
    """Return the summary as Markdown; `summary.png` and the stages' reports lie beside it."""
    links = [f"- [{name}]({name}-report.md)" for name in results.stages]
    missing = [f"- {escaping.markdown_line(note)}" for note in notes(results)]
    blocks = [
        f"# {escaping.markdown(conclusion(results))}",
        f"{escaping.markdown_line(title(results))}.",
        f"![{CAPTION}]({PICTURE}.png)\n\n*{CAPTION}.*",
        "## Means", NOTE, means(results).markdown(),
        *(["Without a number:", "\n".join(missing)] if missing else []),
        "## Tests", "\n".join(f"- {escaping.markdown_line(n)}" for n in test_notes(results)),
        "## Stages", "\n".join(links),
        *(escaping.markdown_line(run) for run in runs(results)),
    ]  # fmt: skip
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _rank(results: StagedResults, row: Row) -> str:
    return f"{results.mean_rank(row):.1f}{_incomplete(results, row)}"


def _incomplete(results: StagedResults, row: Row) -> str:
    """Return of how many tests a mean rank is, unless it is of all."""
    count, total = results.ranked_tests(row), results.ranked_tests()
    return f" in {count} of {total} tests" if count < total else ""


def _rank_cell(results: StagedResults, row: Row) -> Cell:
    rank = results.mean_rank(row)
    return Cell(DASH) if math.isnan(rank) else Cell(rank, _incomplete(results, row).strip())


def _mean_cell(mean: Mean | None, bold: bool) -> Cell:
    if mean is None:
        return Cell(DASH)
    interval = f"{mean.interval()}, " if mean.has_interval else ""
    return Cell(mean.value, f"{interval}n = {mean.photos}", bold)


def _finite(mean: Mean) -> list[float | None]:
    ends = [mean.low, mean.high] if mean.has_interval else [None, None]
    return [mean.value, *ends, mean.photos]


def _test_note(results: Results, test: SummaryTest, ranks_on: tuple[int, int]) -> str:
    text = summary("metrics", parse("metrics", test.metric).name).rstrip(".")
    ranked = "" if test.ranks_maps else " It rates no maps and does not count in the mean rank."
    shared, most = ranks_on
    if test.ranks_maps and shared < most:
        ranked = f" Methods are ranked on the {shared} photos that all have, of up to {most}."
        ranked = ranked if shared else " It ranks nothing: no photo has a number for all methods."
    count = sum(run.photos for run in results.runs)
    photos = counted(count, [run.words for run in results.runs])
    return printable(
        f"{test.heading}: {test.metric} of the stage {test.stage} ({photos}, classifier "
        f"{test.classifier}). {text}.{ranked}"
    )
