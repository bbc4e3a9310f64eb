"""What a run came to: means with intervals, paired differences, cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.paper_tables import Claim, Table
from unsee.evaluation.plan import columns_of, metric_of
from unsee.evaluation.store import Store
from unsee.registry import RECIPE
from unsee.reports import bootstrap
from unsee.reports.bootstrap import Mean
from unsee.reports.columns import Numbers, way_of
from unsee.reports.sweeps import CHOSEN, Series, cross_fitted, series
from unsee.study import OWN


class Difference(NamedTuple):
    """Between two ways on the same photos, positive where the first is better."""

    mean: Mean
    wins: float
    """Share of the photos on which the first is better; ties count half."""

    @property
    def verdict(self) -> str:
        """Whether the interval is clear of zero."""
        if self.mean.low > 0:
            return "better"
        return "worse" if self.mean.high < 0 else "not significant"


class Verdict(NamedTuple):
    """A paper's claim, and what these rows say."""

    claim: Claim
    classifier: str
    metric: str
    difference: Difference
    better: str
    """Labels of the two ways."""
    worse: str

    @property
    def told(self) -> str:
        """Who is said to be better than whom."""
        return f"{self.better} > {self.worse}"

    @property
    def word(self) -> str:
        """As the report says it."""
        words = {"better": "holds", "worse": "does not hold"}
        return words.get(self.difference.verdict, "not significant")


@dataclass(frozen=True, eq=False)
class Report:
    """All rows of some runs, by the way in which the maps were made."""

    numbers: dict[tuple[str, ...], Numbers]
    """In the order of the runs."""
    columns: tuple[str, ...]
    """Of the rows; series and metrics are made of them."""
    seconds: dict[tuple[str, ...], float]
    """For a photo, of each way."""
    about: list[str]
    """Settings of each run, in a line."""
    folders: tuple[Path, ...] = ()
    """Of the runs, where maps may be kept."""
    table: Table = field(default_factory=Table)
    """What the paper found, where a run was a table of one."""

    @classmethod
    def of(cls, folders: Sequence[Path]) -> "Report":
        """Read runs; they may have different methods, but must have metrics in common.

        Raises `InputError` for folders that are no runs, or without a single good row.
        """
        numbers: dict[tuple[str, ...], Numbers] = {}
        metrics: list[str] | None = None
        seconds: dict[tuple[str, ...], float] = {}
        about, beside = [], []
        for folder in folders:
            store = Store(folder)
            manifest = store.manifest()
            settings = manifest["settings"]
            earlier = {way: set(known.photos) | known.bad for way, known in numbers.items()}
            bad = set()
            for row in store.walk():
                way = way_of(row)
                _check_apart(earlier, way, row["photo"], folder)
                numbers.setdefault(way, Numbers()).add(row)
                if row["error"]:
                    bad.add(row["photo"])
            known = list(columns_of(settings["metrics"]))
            beside.append(Table.of(manifest.get("table", {})))
            metrics = known if metrics is None else [name for name in metrics if name in known]
            spent = store.seconds()
            for number, way in enumerate(_ways(settings)):
                mine = set(numbers[way].photos) if way in numbers else set()
                if count := len(mine - earlier.get(way, set())):
                    seconds[way] = spent.get(number, 0.0) / count
            about.append(_about(store, manifest, len(bad)))
        if not any(known.photos for known in numbers.values()):
            raise InputError("no row without an error; nothing to report")
        if not metrics:
            raise InputError("these runs have no metric in common")
        return cls(
            numbers, tuple(metrics), seconds, about, tuple(folders), paper_tables.joined(beside)
        )

    @cached_property
    def series(self) -> list[Series]:
        """Metrics that were asked at several values of a setting: a curve each."""
        return series(self.columns)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """What the tables show: single columns, the middle one of a curve, and chosen alphas."""
        within = {column for one in self.series for column in one.columns.values()}
        single = [column for column in self.columns if column not in within]
        curves = [list(one.columns.values()) for one in self.series if one.setting != CHOSEN]
        return (*single, *(columns[len(columns) // 2] for columns in curves), *self._tuned)

    @cached_property
    def _tuned(self) -> dict[str, Series]:
        return {one.tuned: one for one in self.series if one.setting == CHOSEN}

    def higher_is_better(self, metric: str) -> bool:
        """Which way is better."""
        known = self._tuned.get(metric)
        return metric_of(next(iter(known.columns.values())) if known else metric).higher_is_better

    def headed(self, metric: str) -> str:
        """A metric's name and which way is better."""
        return f"{metric} {'↑' if self.higher_is_better(metric) else '↓'}"

    @property
    def ways(self) -> list[tuple[str, ...]]:
        """Classifier, method and in-filler, in the order of the rows."""
        return list(self.numbers)

    def label(self, way: tuple[str, ...]) -> str:
        """What differs between the ways; the method always, by the name that the table gives it."""
        classifier, method, infiller = way
        names = self._named
        both = names.get((method, infiller))
        several = len({other[0] for other in self.ways}) > 1
        mixed = len({other[2] for other in self.ways}) > 1
        parts = [classifier] if several else []
        parts.append(both or names.get((method, ""), method))
        if mixed and not both and infiller != OWN:
            parts.append(infiller)
        return ", ".join(parts)

    @cached_property
    def _named(self) -> dict[tuple[str, str], str]:
        return {(name.method, name.infiller): name.label for name in self.table.names}

    def values(self, way: tuple[str, ...], metric: str) -> dict[str, float]:
        """One number for each photo; those without one are left out."""
        if (way, metric) not in self._known:
            self._known[way, metric] = self._values(way, metric)
        return self._known[way, metric]

    @cached_property
    def _known(self) -> dict[tuple[tuple[str, ...], str], dict[str, float]]:
        """What was gathered already."""
        return {}

    def _values(self, way: tuple[str, ...], metric: str) -> dict[str, float]:
        if metric in self._tuned:
            columns = self._tuned[metric].columns
            found = {value: self.values(way, column) for value, column in columns.items()}
            return cross_fitted(found, 1 if self.higher_is_better(metric) else -1)
        mine = self.numbers[way]
        pairs = zip(mine.photos, mine.column(metric).tolist(), strict=False)
        return {photo: value for photo, value in pairs if math.isfinite(value)}

    def mean(self, way: tuple[str, ...], metric: str) -> Mean:
        """Over all photos that have a number; its interval is drawn once."""
        if (way, metric) not in self._means:
            numbers = list(self.values(way, metric).values())
            self._means[way, metric] = bootstrap.mean(numbers)
        return self._means[way, metric]

    @cached_property
    def _means(self) -> dict[tuple[tuple[str, ...], str], Mean]:
        """What was drawn already."""
        return {}

    def difference(self, one: tuple[str, ...], other: tuple[str, ...], metric: str) -> Difference:
        """Paired, over the photos that both have a number for."""
        a, b = self.values(one, metric), self.values(other, metric)
        both = sorted(a.keys() & b.keys())
        sign = 1 if self.higher_is_better(metric) else -1
        off = sign * np.array([a[photo] - b[photo] for photo in both])
        wins = float((off > 0).mean() + (off == 0).mean() / 2) if len(off) else float("nan")
        return Difference(bootstrap.mean(list(off)), wins)

    def passes(self, way: tuple[str, ...]) -> tuple[float, float]:
        """Forwards and backwards of a photo."""
        mine = self.numbers[way]
        forwards, backwards = (
            float(mine.column(key).mean()) if mine.photos else 0.0
            for key in ("forwards", "backwards")
        )
        return forwards, backwards

    def paper(self, way: tuple[str, ...], metric: str) -> float | None:
        """The paper's number, where there is one; its classifier and photos are others."""
        for row in self.table.paper:
            if row.metric == metric and self._meant(way[0], row.method, row.infiller) == way:
                return row.value
        return None

    def _meant(self, classifier: str, method: str, infiller: str) -> tuple[str, ...] | None:
        """The way that a table speaks of: named so, or the only one so named with settings.

        So `casm` in a table is the `casm:weights=PATH` that was run.
        """
        found = [
            way
            for way in self.ways
            if way[0] == classifier and _extends(way[1], method) and _extends(way[2], infiller)
        ]
        exact = (classifier, method, infiller)
        if exact in found:
            return exact
        return found[0] if len(found) == 1 else None

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """The paper's claims on these rows, for each classifier."""
        found = []
        for claim in self.table.claims:
            for classifier in dict.fromkeys(way[0] for way in self.ways):
                one = self._meant(classifier, claim.better, claim.infiller)
                other = self._meant(classifier, claim.worse, claim.against)
                if one and other:
                    found += [
                        Verdict(
                            claim,
                            classifier,
                            name,
                            self.difference(one, other, name),
                            self.label(one),
                            self.label(other),
                        )
                        for name in claim.metrics
                        if name in self.columns or name in self._tuned
                    ]
        return found


def _check_apart(
    earlier: dict[tuple[str, ...], set[str]], way: tuple[str, ...], photo: str, folder: Path
) -> None:
    """Refuse a second number for the same way and photo: it is not known which one counts."""
    if photo in earlier.get(way, ()):
        raise InputError(
            f"{folder}: {photo} by {way[1]} is in another of these runs too; report them apart"
        )


def _ways(settings: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (classifier, method, infiller)
        for classifier in settings["classifiers"]
        for method in settings["methods"]
        for infiller in settings["infillers"]
    ]


def _extends(text: str, name: str) -> bool:
    """Whether a part is asked for by this name, perhaps with more settings."""
    joint = "," if ":" in name.removeprefix(RECIPE) else ":"
    return text == name or text.startswith(name + joint)


def _about(store: Store, manifest: dict[str, Any], bad: int) -> str:
    settings, versions = manifest["settings"], manifest["versions"]
    shards = math.ceil(manifest["photos"] / settings.get("shard", manifest["photos"]))
    units, done = shards * len(_ways(settings)), store.units()
    left = f", not over ({done} of {units} units)" if done < units else ""
    return (
        f"{store.folder.name}: {manifest['photos']} photos of {Path(settings['data']).name}"
        f"{f', {bad} of them bad' if bad else ''}{left}; target {settings['target']}, seed "
        f"{settings['seed']}, budget {settings['budget'] or 'own'}, judge "
        f"{settings.get('metric_infiller', settings.get('judge')) or 'own'}, "
        f"{settings['precision']}; unsee {versions['unsee']}, "
        f"torch {versions['torch']}."
    )
