"""Tables of a report: means, paired differences, claims, and all numbers for a spreadsheet."""

from statistics import stdev

from unsee.evaluation.plan import Combination
from unsee.output.table import Cell, Column, Mark, Table, Value
from unsee.reports import ranking
from unsee.reports.claims import ClaimResult, published
from unsee.reports.results import PairedDifference, Results

CSV_COLUMNS = (
    *Combination._fields, "metric", "higher_is_better", "mean", "low", "high", "photos",
    "deviation",
    "difference", "difference_low", "difference_high", "difference_photos", "wins", "forwards",
    "backwards", "seconds",
)  # fmt: skip


def means(results: Results) -> Table:
    """Return a row for each configuration: means, the best in bold, and cost.

    The best is that on the photos for which all configurations have a number.
    """
    best = {name: ranking.best(results, name) for name in results.metrics}
    rows = []
    for configuration in results.configurations:
        cells = [
            _mean_cell(results, configuration, name, configuration in best[name])
            for name in results.metrics
        ]
        photos = ranking.photos_of(results, configuration)
        forwards, backwards = results.passes(configuration)
        passes = Cell(forwards, f"({backwards:.0f})")
        seconds = results.seconds.get(configuration, 0.0)
        rows.append([results.label(configuration), photos, *cells, passes, seconds])
    return Table(
        [
            _configuration_column(results),
            Column("photos"),
            *(Column(name, results.heading(name), ".3f") for name in results.metrics),
            Column("passes", spec=".0f"),
            Column("seconds", "s/photo", ".2f"),
        ],
        rows,
    )


def differences(results: Results) -> Table | None:
    """Return paired differences of the first configuration from each other one, if there are."""
    first, *others = results.configurations
    if not others:
        return None
    rows = [
        [
            results.label(other),
            *(_difference_cell(results, first, other, metric) for metric in results.metrics),
        ]
        for other in others
    ]
    columns = [Column(name, spec="+.3f") for name in results.metrics]
    return Table(
        [Column("compared_with", f"{results.label(first)} compared with", align="left"), *columns],
        rows,
    )


def claims(tested: list[ClaimResult]) -> Table:
    """Return a row for each claim and metric, with the paper's numbers beside the means."""
    columns = [Column(name, align="left") for name in ("claim", "metric")]
    columns += [Column("photos"), *(Column(name, spec=".3f") for name in ("better", "worse"))]
    columns += [Column("difference", spec="+.3f")]
    columns += [Column(name, align="left") for name in ("outcome", "source")]
    rows = []
    for claim in tested:
        mean = claim.difference.mean
        difference = Cell(mean.value, mean.interval("+"))
        outcome = Cell(claim.outcome, bold=True, mark=_mark(claim.difference))
        source = claim.claim.source
        means = [
            Cell(value, "" if paper is None else f"(paper {paper:g})")
            for value, paper in zip(claim.means, claim.paper, strict=True)
        ]
        rows.append(
            [claim.statement, claim.metric, mean.photos, *means, difference, outcome, source]
        )
    return Table(columns, rows)


def all_numbers(results: Results) -> Table:
    """Return a row for each configuration and metric, with every value of a sweep.

    `deviation` is the standard deviation over the photos. The differences are by how much the
    first configuration is better.
    """
    first = results.configurations[0]
    rows: list[list[Value]] = []
    for configuration in results.configurations:
        cost = [*results.passes(configuration), results.seconds.get(configuration, 0.0)]
        for name in dict.fromkeys([*results.metrics, *results.columns]):
            higher = results.higher_is_better(name)
            mean = results.mean(configuration, name)
            paired = results.difference(first, configuration, name)
            difference = [*paired.mean, paired.wins] if configuration != first else [None] * 5
            values = results.values(configuration, name).values()
            deviation = stdev(values) if len(values) > 1 else None
            rows.append([*configuration, name, higher, *mean, deviation, *difference, *cost])
    return Table([Column(name) for name in CSV_COLUMNS], rows)


def _configuration_column(results: Results) -> Column:
    """Return the first column, named after what its labels distinguish."""
    classifiers = len({c.classifier for c in results.configurations})
    infillers = len({c.infiller for c in results.configurations})
    name = "configuration" if max(classifiers, infillers) > 1 else "method"
    return Column(name, align="left")


def _mean_cell(results: Results, configuration: Combination, metric: str, bold: bool) -> Cell:
    mean = results.mean(configuration, metric)
    paper = published(results, configuration, metric)
    details = [mean.interval()] if mean.has_interval else []
    details += [] if paper is None else [f"(paper {paper:g})"]
    scope = ranking.scope(mean.photos, ranking.photos_of(results, configuration))
    return Cell(mean.value if mean.photos else None, " ".join(details), bold, scope=scope)


def _difference_cell(results: Results, first: Combination, other: Combination, metric: str) -> Cell:
    difference = results.difference(first, other, metric)
    mean = difference.mean
    if not mean.photos:
        return Cell(None, "no photo in common")
    detail = f"{mean.interval('+')}, wins {difference.wins:.0%}"
    outcome = f", {difference.outcome}" if mean.has_interval else ""
    photos = max(ranking.photos_of(results, configuration) for configuration in (first, other))
    scope = ranking.scope(mean.photos, photos)
    return Cell(mean.value, detail + outcome, mark=_mark(difference), scope=scope)


def _mark(difference: PairedDifference) -> Mark:
    marks: dict[str, Mark] = {"better": "better", "worse": "worse"}
    return marks.get(difference.outcome, "")
