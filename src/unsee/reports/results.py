"""Results of one or several runs: means with intervals, paired differences, cost."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unsee.errors import InputError, as_input_error, printable
from unsee.evaluation import contents, paper_tables
from unsee.evaluation.columns import columns_of, metric_of
from unsee.evaluation.manifest import Settings
from unsee.evaluation.plan import Combination
from unsee.evaluation.store import MANIFEST, Store
from unsee.metrics.base import Metric
from unsee.parts import OWN
from unsee.reports import bootstrap
from unsee.reports.bootstrap import Mean
from unsee.reports.columns import MetricColumns, configuration_of, is_failed
from unsee.reports.comparable import check_comparable
from unsee.reports.run_info import RunInfo, combinations
from unsee.reports.sweeps import TUNED_SETTING, PhotoValues, Sweep, cross_fitted, find_sweeps


class PairedDifference(NamedTuple):
    """A difference between two configurations on the same photos, positive if the first is better.

    `wins` is the share of photos on which the first is better; ties count half.
    """

    mean: Mean
    wins: float

    @property
    def outcome(self) -> str:
        """Whether the interval excludes zero: better, worse, not significant, too few photos."""
        if not self.mean.has_interval:
            return bootstrap.TOO_FEW
        if self.mean.low > 0:
            return "better"
        return "worse" if self.mean.high < 0 else "not significant"


@dataclass(frozen=True, eq=False)
class Results:
    """All rows of some runs, by configuration: classifier, method and in-filler."""

    measurements: dict[Combination, MetricColumns]
    """Numbers of each configuration, in the order of the runs."""
    columns: tuple[str, ...]
    """Metric columns that all runs have; `metrics` and `sweeps` are made of them."""
    seconds: dict[Combination, float]
    """Seconds for a photo, map and metrics."""
    runs: tuple[RunInfo, ...]
    folders: tuple[Path, ...] = ()
    """Folders of the runs, which may hold maps."""
    table: paper_tables.Table = field(default_factory=paper_tables.Table)
    """Published numbers and claims, if a run reproduces a paper's table."""

    @classmethod
    def read(cls, folders: Sequence[Path]) -> "Results":
        """Read runs; they may have different methods, but must have metrics in common.

        Raises `InputError` for folders that are no runs, for runs without a row that has no error,
        and for two runs that have the same configuration on the same photo.
        """
        if isinstance(folders, str | Path) or not folders:
            raise InputError(f"expected a list of folders of runs, got {folders!r}")
        with as_input_error("expected folders of runs"):
            folders = [Path(folder) for folder in folders]
        measurements: dict[Combination, MetricColumns] = {}
        seconds: dict[Combination, float] = {}
        pixels: contents.Contents = {}
        runs, tables, metrics = [], [], []
        for folder in folders:
            store = Store(folder)
            manifest = store.info()
            failed = _add_rows(store, measurements, seconds, manifest.settings, pixels)
            runs.append(RunInfo.of(store, manifest, failed))
            tables.append(paper_tables.Table.of(manifest.table, folder / MANIFEST))
            metrics.append(columns_of(manifest.settings.metrics))
        check_comparable([Store(folder) for folder in folders])
        if not any(columns.photos for columns in measurements.values()):
            raise InputError("no row without an error; nothing to report")
        shared = [name for name in metrics[0] if all(name in names for names in metrics)]
        if not shared:
            raise InputError("these runs have no metric in common")
        return cls(
            measurements, tuple(shared), seconds, tuple(runs), tuple(folders),
            paper_tables.joined(tables),
        )  # fmt: skip

    @cached_property
    def sweeps(self) -> list[Sweep]:
        """Metrics that were measured at several values of a setting."""
        return find_sweeps(self.columns)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics of the tables: single columns, the middle of each sweep, and tuned columns."""
        sweep_columns = {column for sweep in self.sweeps for column in sweep.columns.values()}
        single_columns = [column for column in self.columns if column not in sweep_columns]
        curves = [list(s.columns.values()) for s in self.sweeps if s.setting != TUNED_SETTING]
        return (*single_columns, *(columns[len(columns) // 2] for columns in curves), *self.tuned)

    @cached_property
    def tuned(self) -> dict[str, Sweep]:
        """Sweeps whose value is chosen on held-out photos, by the name of the tuned column."""
        return {s.tuned_column: s for s in self.sweeps if s.setting == TUNED_SETTING}

    def metric(self, column: str) -> Metric:
        """Return the metric that a column is named after."""
        sweep = self.tuned.get(column)
        return metric_of(next(iter(sweep.columns.values())) if sweep else column)

    def higher_is_better(self, metric: str) -> bool:
        """Whether higher numbers of a metric are better."""
        return self.metric(metric).higher_is_better

    def ranks_maps(self, metric: str) -> bool:
        """Whether a metric makes a map better than another; statistics of maps do not."""
        return self.metric(metric).ranks_maps

    def heading(self, metric: str) -> str:
        """Return a metric's name with an arrow towards better numbers."""
        return f"{metric} {'↑' if self.higher_is_better(metric) else '↓'}"

    def __repr__(self) -> str:
        names = ", ".join(run.name for run in self.runs)
        return (
            f"Results({names}: {len(self.measurements)} configurations, {len(self.photos)} photos, "
            f"metrics {', '.join(self.metrics)})"
        )

    def _repr_markdown_(self) -> str:
        """Return what notebooks show: the report without its figures."""
        from unsee.reports.markdown import markdown

        return markdown(self)

    @property
    def photos(self) -> set[str]:
        """Photos for which any configuration has a row."""
        return {photo for columns in self.measurements.values() for photo in columns.photos}

    @property
    def configurations(self) -> list[Combination]:
        """All configurations, in the order of the rows."""
        return list(self.measurements)

    def label(self, configuration: Combination) -> str:
        """Return what distinguishes a configuration; the method always, by its name in the table.

        The classifier and the in-filler are left out where all configurations share them.
        """
        classifier, method, infiller = configuration
        names = {(name.method, name.infiller): name.label for name in self.table.names}
        full_name = names.get((method, infiller))
        parts = [classifier] if len({c.classifier for c in self.configurations}) > 1 else []
        parts.append(full_name or names.get((method, ""), method))
        several = len({c.infiller for c in self.configurations}) > 1
        if several and not full_name and infiller != OWN:
            parts.append(infiller)
        return printable(", ".join(parts))

    def values(self, configuration: Combination, metric: str) -> PhotoValues:
        """Return the numbers of all photos that have one."""
        key = configuration, metric
        if key not in self._values:
            self._values[key] = self._read_values(configuration, metric)
        return self._values[key]

    @cached_property
    def _values(self) -> dict[tuple[Combination, str], PhotoValues]:
        return {}

    def _read_values(self, configuration: Combination, metric: str) -> PhotoValues:
        if metric in self.tuned:
            columns = self.tuned[metric].columns
            values = {value: self.values(configuration, name) for value, name in columns.items()}
            return cross_fitted(values, 1 if self.higher_is_better(metric) else -1)
        metric_columns = self.measurements[configuration]
        pairs = zip(metric_columns.photos, metric_columns.column(metric).tolist(), strict=False)
        return {photo: value for photo, value in pairs if math.isfinite(value)}

    def mean(self, configuration: Combination, metric: str) -> Mean:
        """Return the mean over all photos that have a number."""
        key = configuration, metric
        if key not in self._means:
            self._means[key] = bootstrap.mean(list(self.values(configuration, metric).values()))
        return self._means[key]

    @cached_property
    def _means(self) -> dict[tuple[Combination, str], Mean]:
        return {}

    def difference(
        self, a: Combination, b: Combination, metric: str, photos: Collection[str] | None = None
    ) -> PairedDifference:
        """Return by how much `a` is better than `b` on the photos that both have a number for.

        `photos` may restrict the comparison to some of them.
        """
        gains = self.gains(a, b, metric)
        if photos is not None:
            gains = {photo: gain for photo, gain in gains.items() if photo in photos}
        differences = np.array([*gains.values()])
        ties = (differences == 0).mean() if gains else math.nan
        wins = float((differences > 0).mean() + ties / 2) if gains else math.nan
        return PairedDifference(bootstrap.mean(list(differences)), wins)

    def gains(self, a: Combination, b: Combination, metric: str) -> PhotoValues:
        """Return by how much `a` is better than `b` on each photo that both have a number for."""
        first, second = self.values(a, metric), self.values(b, metric)
        sign = 1 if self.higher_is_better(metric) else -1
        shared = sorted(first.keys() & second.keys())
        return {photo: sign * (first[photo] - second[photo]) for photo in shared}

    def passes(self, configuration: Combination) -> tuple[float, float]:
        """Return the mean numbers of forward and backward passes for a photo."""
        columns = self.measurements[configuration]
        forwards, backwards = (
            float(columns.column(key).mean()) if len(columns.column(key)) else 0.0
            for key in ("forwards", "backwards")
        )
        return forwards, backwards


def _add_rows(
    store: Store,
    measurements: dict[Combination, MetricColumns],
    seconds: dict[Combination, float],
    settings: Settings,
    pixels: contents.Contents,
) -> int:
    """Add the rows and the seconds of a run; return the number of photos that failed."""
    previous_photos = {
        c: set(columns.photos) | columns.failed for c, columns in measurements.items()
    }
    failed, required = set(), {*columns_of(settings.metrics)}
    channels = contents.channels_of(store, settings.classifiers)
    for row in store.walk():
        if missing := required - row.keys():
            raise InputError(f"{store.folder}: its rows lack {', '.join(sorted(missing))}")
        configuration = configuration_of(row, store.folder)
        if row["photo"] in previous_photos.get(configuration, ()):
            raise InputError(
                f"{store.folder}: another of these runs has {row['photo']} by "
                f"{configuration.method} too; report them separately"
            )
        contents.add(pixels, row, channels, store.folder)
        measurements.setdefault(configuration, MetricColumns()).add(row)
        if is_failed(row):
            failed.add(row["photo"])
    total_seconds = store.seconds()
    for number, configuration in enumerate(combinations(settings)):
        photos = measurements.get(configuration, MetricColumns()).photos
        if len(names := set(photos)) < len(photos):
            raise InputError(f"{store.folder}: has two rows of a photo by {configuration.method}")
        if count := len(names - previous_photos.get(configuration, set())):
            before = len(names) - count
            total = seconds.get(configuration, 0.0) * before + total_seconds.get(number, 0.0)
            seconds[configuration] = total / len(names)
    return len(failed)
