"""Results of a folder of stages: a row for each method, a column for each test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unsee.errors import InputError, cut, printable
from unsee.evaluation import paper_tables, stages
from unsee.evaluation.plan import Combination
from unsee.evaluation.stages import StageInfo, SummaryColumn
from unsee.evaluation.store import MANIFEST, Store
from unsee.parts import OWN
from unsee.reports.bootstrap import Mean
from unsee.reports.results import Results
from unsee.reports.sweeps import PhotoValues
from unsee.storage.files import exists
from unsee.study import DEFAULT_METHOD

CONTROL = "random"
"""Method whose mean is that of a map that knows nothing."""
DASH = "\u2013"
"""Text of a cell of a method that has no number."""
MAX_REASON = 200
"""Characters of the reason why a method has no number."""


class Row(NamedTuple):
    """A method with its in-filler."""

    method: str
    infiller: str


class SummaryTest(NamedTuple):
    """A column of the summary: a metric of one classifier in a stage."""

    stage: str
    classifier: str
    metric: str
    label: str
    chance: float | None
    higher_is_better: bool
    ranks_maps: bool
    """Whether better numbers make a better map; other columns do not count in the mean rank."""

    @property
    def arrow(self) -> str:
        """Direction of better numbers."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """The test in words, with an arrow towards better numbers."""
        return printable(f"{self.label} {self.arrow}")

    @property
    def name(self) -> str:
        """A name that no other column has."""
        return printable(f"{self.stage} {self.classifier} {self.metric}")


@dataclass(frozen=True, eq=False)
class StagedResults:
    """Results of all stages; a stage without any has a note."""

    stages: dict[str, Results]
    """Results by the name of the stage, in the order of the plan."""
    columns: dict[str, tuple[SummaryColumn, ...]]
    """Columns that the plan names for a stage; none stands for all metrics that rate maps."""
    table: paper_tables.Table
    notes: tuple[str, ...] = ()
    """Stages that have no results, and why."""
    errors: tuple[InputError, ...] = ()
    """Stages whose results cannot be read."""
    reasons: dict[tuple[str, Combination], str] = field(default_factory=dict)
    """Why a combination explained no photo of a stage."""

    @classmethod
    def read(
        cls, folders: Sequence[Path], table: paper_tables.Table | None = None
    ) -> "StagedResults":
        """Read folders of stages; stages of one name are read together, as runs are.

        Args:
            folders: Folders that `unsee evaluate` wrote with a plan of stages.
            table: Names of methods, in place of those that the folders have.

        Raises:
            InputError: A folder has no stages, or no stage has a row without an error.
        """
        infos = {folder: _info(folder) for folder in folders}
        if table is None:
            tables = [
                paper_tables.Table.of(info.table, folder / stages.MANIFEST)
                for folder, info in infos.items()
            ]
            table = paper_tables.joined(tables)
        results_of: dict[str, Results] = {}
        columns: dict[str, tuple[SummaryColumn, ...]] = {}
        reasons: dict[tuple[str, Combination], str] = {}
        notes, errors = [], []
        for name, (info, places) in _stages(infos).items():
            runs = [place for place in places if exists(place / MANIFEST)]
            if not runs:
                notes.append(
                    printable(f"stage {name}: {info.note or 'no run; it failed, or has not begun'}")
                )
                continue
            try:
                results = Results.read(runs)
            except InputError as error:
                errors.append(error.prefixed(f"stage {name}"))
                continue
            title = f"{name}: {table.summary}" if table.summary else ""
            results_of[name] = replace(results, table=replace(table, summary=title))
            columns[name] = info.columns
            reasons.update({(name, c): text for c, text in _reasons(runs, results).items()})
        if not results_of:
            raise errors[0] if errors else InputError(f"{folders[0]}: no stage has any results")
        return cls(results_of, columns, table, tuple(notes), tuple(errors), reasons)

    @cached_property
    def tests(self) -> list[SummaryTest]:
        """Columns of the summary, in the order of the plan."""
        tests = []
        for name, results in self.stages.items():
            columns = self.columns[name] or _all_columns(name, results)
            classifiers = list(dict.fromkeys(c.classifier for c in results.configurations))
            for column in columns:
                if column.metric not in {*results.columns, *results.metrics}:
                    raise InputError(f"stage {name}: its rows lack {column.metric}")
                for classifier in classifiers:
                    label = column.label + (f", {classifier}" if len(classifiers) > 1 else "")
                    tests.append(
                        SummaryTest(
                            name, classifier, column.metric, label, column.chance,
                            results.higher_is_better(column.metric),
                            results.ranks_maps(column.metric),
                        )
                    )  # fmt: skip
        return tests

    @cached_property
    def rows(self) -> list[Row]:
        """Methods, the one of the lowest mean rank first."""
        rows = dict.fromkeys(
            Row(c.method, c.infiller)
            for results in self.stages.values()
            for c in results.configurations
        )
        order = {row: self.mean_rank(row) for row in rows}
        return sorted(rows, key=lambda row: (math.isnan(order[row]), order[row]))

    def label(self, row: Row) -> str:
        """Return the name of a method in the table, with its in-filler if methods have several."""
        names = {(name.method, name.infiller): name.label for name in self.table.names}
        label = names.get((row.method, row.infiller)) or names.get((row.method, ""), row.method)
        return printable(label if row.infiller == OWN else f"{label}, {row.infiller}")

    @staticmethod
    def is_default(row: Row) -> bool:
        """Whether a row is the default method of unsee."""
        return row == (DEFAULT_METHOD, OWN)

    def mean(self, row: Row, test: SummaryTest) -> Mean | None:
        """Return the mean of a method in a test; None if it has no number there."""
        results = self.stages[test.stage]
        combination = Combination(test.classifier, *row)
        if combination not in results.measurements:
            return None
        mean = results.mean(combination, test.metric)
        return mean if mean.photos else None

    def chance(self, test: SummaryTest) -> float | None:
        """Return the mean of maps that know nothing, if the plan or a run has it."""
        if test.chance is not None:
            return test.chance
        mean = self.mean(Row(CONTROL, OWN), test)
        return None if mean is None else mean.value

    def best(self, test: SummaryTest) -> set[Row]:
        """Return the methods with rank 1; none where the test ranks no methods."""
        ranks = self._ranks.get(test, {})
        return {row for row, rank in ranks.items() if rank == min(ranks.values())}

    def mean_rank(self, row: Row) -> float:
        """Return the mean rank over the tests in which a method has a number; NaN without any."""
        ranks = [ranks[row] for ranks in self._ranks.values() if row in ranks]
        return float(np.mean(ranks)) if ranks else math.nan

    def ranked_tests(self, row: Row | None = None) -> int:
        """Return the number of tests that count in the mean rank, or in that of one method."""
        return sum(row is None or row in ranks for ranks in self._ranks.values())

    def photos(self, test: SummaryTest) -> tuple[int, int]:
        """Return the number of photos on which a test ranks methods, and the most that one has.

        Methods are compared on the photos for which all of them that have a number have one.
        """
        values = self._values[test]
        return len(_shared(values)), max(map(len, values.values()), default=0)

    @cached_property
    def _values(self) -> dict[SummaryTest, dict[Row, PhotoValues]]:
        """Numbers of each method in each test by photo; methods without any are left out."""
        numbers: dict[SummaryTest, dict[Row, PhotoValues]] = {}
        for test in self.tests:
            results = self.stages[test.stage]
            numbers[test] = {
                Row(c.method, c.infiller): values
                for c in results.configurations
                if c.classifier == test.classifier and (values := results.values(c, test.metric))
            }
        return numbers

    @cached_property
    def _ranks(self) -> dict[SummaryTest, dict[Row, float]]:
        """Rank of each method in each test, 1 for the best; equal means share their mean rank."""
        from scipy.stats import rankdata

        ranks = {}
        for test, values in self._values.items():
            photos = _shared(values)
            if test.ranks_maps and len(values) > 1 and photos:
                means = [np.mean([numbers[p] for p in photos]) for numbers in values.values()]
                signed = np.array(means) * (-1 if test.higher_is_better else 1)
                ranks[test] = dict(zip(values, rankdata(signed).tolist(), strict=True))
        return ranks

    def missing(self) -> list[str]:
        """Return a line for each method and reason for which cells are empty."""
        tests: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            for test in self.tests:
                if self.mean(row, test) is None:
                    key = (self.label(row), self._reason(row, test))
                    tests.setdefault(key, []).append(test.stage)
        return [
            printable(f"{label} in the stage {', '.join(dict.fromkeys(names))}: {reason}")
            for (label, reason), names in tests.items()
        ]

    def _reason(self, row: Row, test: SummaryTest) -> str:
        combination = Combination(test.classifier, *row)
        if reason := self.reasons.get((test.stage, combination)):
            return reason
        if combination in self.stages[test.stage].measurements:
            return f"no photo has a number for {test.metric}"
        return "not in this stage, or not computed yet"


def _shared(values: dict[Row, PhotoValues]) -> list[str]:
    """Return the photos for which every method has a number, in a fixed order."""
    return sorted(set.intersection(*map(set, values.values()))) if values else []


def _info(folder: Path) -> stages.StagesInfo:
    if not stages.is_staged(folder):
        raise InputError(f"{folder}: expected a folder of stages, as the others; report it alone")
    return stages.read(folder)


def _stages(
    infos: dict[Path, stages.StagesInfo],
) -> dict[str, tuple[StageInfo, list[Path]]]:
    """Return each stage with its folders, by name."""
    folders_of: dict[str, tuple[StageInfo, list[Path]]] = {}
    for folder, info in infos.items():
        for stage in info.stages:
            folders_of.setdefault(stage.name, (stage, []))[1].append(folder / stage.name)
    return folders_of


def _all_columns(stage: str, results: Results) -> tuple[SummaryColumn, ...]:
    """Return a column for each metric that rates maps, or for all if none does."""
    metrics = [metric for metric in results.metrics if results.ranks_maps(metric)]
    return tuple(
        SummaryColumn(metric, f"{stage}: {metric}") for metric in metrics or results.metrics
    )


def _reasons(runs: Sequence[Path], results: Results) -> dict[Combination, str]:
    """Return the first error of each combination that explained no photo."""
    unable = {c for c, columns in results.measurements.items() if not columns.photos}
    reasons: dict[Combination, str] = {}
    for run in runs if unable else ():
        for row in Store(run).walk((*Combination._fields, "photo", "error")):
            combination = Combination(*(row[name] for name in Combination._fields))
            if combination in unable and row["error"]:
                text = row["error"].removeprefix(f"{row['photo']}: ")
                reasons.setdefault(combination, cut(printable(text), MAX_REASON))
    return reasons
