"""Write the table and the picture of docs/truth.md from the numbers of its runs.

    unsee report truth --out truth-report
    python benchmarks/truth.py --add truth-report/report.csv

`benchmarks/results/truth.csv` holds the numbers of all stages that were run, so that a stage can be
added or replaced without the others. Methods stay in the order of the mean rank in that file.
"""

import argparse
import csv
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import rankdata

from unsee.images.drawing import save_figure
from unsee.reports import stage_figure
from unsee.reports.bootstrap import Mean
from unsee.reports.stages import CONTROL, DASH, Row, StagedResults, SummaryTest

NUMBERS, PAGE = Path("benchmarks/results/truth.csv"), Path("docs/truth.md")
CHANCE = {"auc": 0.5, "precision:share=0.25": 0.25, "stability:change=noise": 0.0}
"""Mean of maps that know nothing, by metric; else that of random maps."""
UNRANKED = ("scatter", "stability:change=seed", "stability:change=noise", "mprt:layers=2")
"""Metrics that rate no maps."""
TABLE = re.compile(r"\| method \| mean rank .*?\n\n", re.DOTALL)
"""The table of the page."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of the page, as `StagedResults` has them."""

    lines: list[dict[str, str]]
    """Lines of the file."""

    @property
    def tests(self) -> list[SummaryTest]:
        """Columns in the order of the file."""
        return list(dict.fromkeys(map(_test, self.lines)))

    @property
    def rows(self) -> list[Row]:
        """Methods by their mean rank."""
        ranks = {_row(line): float(line["mean_rank"]) for line in self.lines if line["mean_rank"]}
        return sorted(ranks, key=lambda row: ranks[row])

    def label(self, row: Row) -> str:
        """Return the name of a method."""
        return row.method

    is_default = staticmethod(StagedResults.is_default)

    def line(self, row: Row, test: SummaryTest) -> dict[str, str] | None:
        """Return the line of a cell."""
        found = (line for line in self.lines if (_row(line), _test(line)) == (row, test))
        return next(found, None)

    def mean(self, row: Row, test: SummaryTest) -> Mean | None:
        """Return the number of a cell."""
        line = self.line(row, test)
        if line is None or not line["mean"]:
            return None
        low, high = (float(line[key] or "nan") for key in ("low", "high"))
        return Mean(float(line["mean"]), low, high, int(line["photos"]))

    def chance(self, test: SummaryTest) -> float | None:
        """Return the mean of maps that know nothing."""
        random = self.mean(Row(CONTROL, "own"), test)
        return test.chance if test.chance is not None else random and random.value

    def best(self, test: SummaryTest) -> set[Row]:
        """Return the best methods of a test that rates maps."""
        lines = [line for line in self.lines if _test(line) == test and line["best"] == "True"]
        return {_row(line) for line in lines}


def _row(line: dict[str, str]) -> Row:
    return Row(line["method"], line["infiller"])


def _test(line: dict[str, str]) -> SummaryTest:
    metric = line["metric"]
    return SummaryTest(
        line["stage"], line["classifier"], metric, line["test"], CHANCE.get(metric),
        line["higher_is_better"] == "True", metric not in UNRANKED,
    )  # fmt: skip


def table(numbers: Numbers) -> str:
    """Return the table in Markdown."""
    tests = numbers.tests
    ranked = [test for test in tests if test.ranks_maps]
    lines = [
        "| method | mean rank | " + " | ".join(test.heading for test in tests) + " |",
        "| --- |" + " ---: |" * (len(tests) + 1),
    ]
    for row in numbers.rows:
        means = [numbers.mean(row, test) for test in tests]
        own = sum(numbers.mean(row, test) is not None for test in ranked)
        rank = next(line["mean_rank"] for line in numbers.lines if _row(line) == row)
        cells = [f"{float(rank):.1f}" + (f" in {own} of {len(ranked)} tests" * (own < len(ranked)))]
        for test, mean in zip(tests, means, strict=True):
            if mean is None:
                cells.append(DASH)
                continue
            value = f"**{mean.value:.3f}**" if row in numbers.best(test) else f"{mean.value:.3f}"
            interval = "" if math.isnan(mean.low) else f" [{mean.low:.3f}, {mean.high:.3f}]"
            cells.append(f"{value}{interval}, n = {mean.photos}".replace("-0.000", "0.000"))
        lines.append(f"| {row.method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n"


def rank_sums(lines: list[dict[str, str]]) -> dict[str, float]:
    """Return the sum of each method's ranks over the tests that rate maps, by their means.

    Raises:
        ValueError: Methods lack photos of a test, so that their means are of others.
    """
    sums: dict[str, float] = defaultdict(float)
    for test in dict.fromkeys(map(_test, lines)):
        if test.metric in UNRANKED:
            continue
        rated = [line for line in lines if _test(line) == test and line["mean"]]
        if len({line["photos"] for line in rated}) > 1:
            raise ValueError(f"{test.heading}: methods lack photos; report all stages together")
        sign = -1 if test.higher_is_better else 1
        ranks = rankdata([sign * float(line["mean"]) for line in rated])
        for line, rank in zip(rated, ranks, strict=True):
            sums[line["method"]] += rank
    return sums


def replaced(lines: list[dict[str, str]], new: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the lines with those of other stages replaced, and the mean ranks that follow."""
    stages = {line["stage"] for line in new}
    before = rank_sums([line for line in lines if line["stage"] in stages])
    after = rank_sums(new)
    tests = Counter(
        line["method"] for line in lines if line["mean"] and line["metric"] not in UNRANKED
    )
    ranks = {
        line["method"]: float(line["mean_rank"])
        + (after[line["method"]] - before[line["method"]]) / tests[line["method"]]
        for line in lines
        if line["mean_rank"]
    }
    order = list(dict.fromkeys(line["stage"] for line in (*lines, *new)))
    lines = [*(line for line in lines if line["stage"] not in stages), *new]
    lines.sort(key=lambda line: order.index(line["stage"]))
    return [{**line, "mean_rank": f"{ranks[line['method']]:.2f}"} for line in lines]


def main() -> None:
    """Add the numbers of a report, and write the page again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--add", type=Path, nargs="*", default=[], help="report.csv of reports")
    options = parser.parse_args()
    with NUMBERS.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for path in options.add:
        with path.open(encoding="utf-8") as file:
            new = list(csv.DictReader(file))
        lines = replaced(lines, new)
    with NUMBERS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    numbers = Numbers(lines)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: table(numbers), page, count=1), encoding="utf-8")
    save_figure(stage_figure.summary(numbers), PAGE.with_suffix(".png"), stage_figure.DPI)


if __name__ == "__main__":
    main()
