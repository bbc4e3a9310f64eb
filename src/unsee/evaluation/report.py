"""What a run came to: means with intervals, paired differences, cost."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unsee.errors import InputError
from unsee.evaluation import intervals
from unsee.evaluation.intervals import Mean
from unsee.evaluation.plan import metric_of
from unsee.evaluation.store import Row, Store

NOTE = (
    "Passes: forwards (of which with gradient) for a map. s/photo: map and metrics, on the machine "
    "of the run."
)
KEYS = ("classifier", "method", "infiller")


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


@dataclass(frozen=True, eq=False)
class Report:
    """All rows of some runs, by the way in which the maps were made."""

    rows: list[Row]
    metrics: tuple[str, ...]
    seconds: dict[tuple[str, ...], float]
    """For a photo, of each way."""
    about: list[str]
    """Settings of each run, in a line."""

    @classmethod
    def of(cls, folders: Sequence[Path]) -> "Report":
        """Read runs; they may have different methods, but must have metrics in common.

        Raises `InputError` for folders that are no runs, or without a single good row.
        """
        rows: list[Row] = []
        metrics: list[str] | None = None
        seconds: dict[tuple[str, ...], float] = {}
        about = []
        for folder in folders:
            store = Store(folder)
            manifest = store.manifest()
            settings = manifest["settings"]
            found = store.read()
            rows += found
            known = settings["metrics"]
            metrics = known if metrics is None else [name for name in metrics if name in known]
            spent = store.seconds()
            for number, way in enumerate(_ways(settings)):
                count = sum(1 for row in found if _way(row) == way and not row["error"])
                if count:
                    seconds[way] = spent.get(number, 0.0) / count
            about.append(_about(folder, manifest, found))
        if not [row for row in rows if not row["error"]]:
            raise InputError("no row without an error; nothing to report")
        if not metrics:
            raise InputError("these runs have no metric in common")
        return cls(rows, tuple(metrics), seconds, about)

    @property
    def ways(self) -> list[tuple[str, ...]]:
        """Classifier, method and in-filler, in the order of the rows."""
        return list(dict.fromkeys(_way(row) for row in self.rows))

    def label(self, way: tuple[str, ...]) -> str:
        """What differs between the ways; the method always."""
        told = [
            part
            for key, part, parts in zip(KEYS, way, zip(*self.ways, strict=True), strict=True)
            if key == "method" or len(set(parts)) > 1
        ]
        return ", ".join(told)

    def values(self, way: tuple[str, ...], metric: str) -> dict[str, float]:
        """One number for each photo; those without one are left out."""
        return {
            row["photo"]: row[metric]
            for row in self.rows
            if _way(row) == way and row.get(metric) is not None and np.isfinite(row[metric])
        }

    def mean(self, way: tuple[str, ...], metric: str) -> Mean:
        """Over all photos that have a number."""
        return intervals.mean(list(self.values(way, metric).values()))

    def difference(self, one: tuple[str, ...], other: tuple[str, ...], metric: str) -> Difference:
        """Paired, over the photos that both have a number for."""
        a, b = self.values(one, metric), self.values(other, metric)
        both = sorted(a.keys() & b.keys())
        sign = 1 if metric_of(metric).higher_is_better else -1
        off = sign * np.array([a[photo] - b[photo] for photo in both])
        wins = float((off > 0).mean() + (off == 0).mean() / 2) if len(off) else float("nan")
        return Difference(intervals.mean(list(off)), wins)

    def passes(self, way: tuple[str, ...]) -> tuple[float, float]:
        """Forwards and backwards of a photo."""
        mine = [row for row in self.rows if _way(row) == way and not row["error"]]
        forwards, backwards = (
            float(np.mean([row[key] for row in mine])) if mine else 0.0
            for key in ("forwards", "backwards")
        )
        return forwards, backwards

    def markdown(self) -> str:
        """Both tables, and what was run."""
        lines = ["# Report", "", *self.about, "", "Mean [95 % bootstrap interval over photos].", ""]
        head = [headed(name) for name in self.metrics]
        lines += [_cells(["way", "photos", *head, "passes", "s/photo"])]
        lines += ["|" + "---|" * (len(head) + 4)]
        for way in self.ways:
            means = [self.mean(way, name) for name in self.metrics]
            forwards, backwards = self.passes(way)
            cost = [f"{forwards:.0f} ({backwards:.0f})", f"{self.seconds.get(way, 0):.2f}"]
            photos = str(max(mean.photos for mean in means))
            lines.append(_cells([self.label(way), photos, *map(str, means), *cost]))
        first, *others = self.ways
        if others:
            lines += [
                "",
                f"{self.label(first)} against each other way, paired; positive: better.",
                "",
            ]
            lines += [_cells(["against", *self.metrics])]
            lines += ["|" + "---|" * (len(self.metrics) + 1)]
            for way in others:
                found = [self.difference(first, way, name) for name in self.metrics]
                lines.append(_cells([self.label(way), *map(_told, found)]))
        lines += ["", NOTE]
        return "\n".join(lines) + "\n"

    def table(self) -> str:
        """CSV, a line for each way and metric."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([*KEYS, "metric", "higher_is_better", "mean", "low", "high", "photos"])
        for way in self.ways:
            for name in self.metrics:
                higher = metric_of(name).higher_is_better
                writer.writerow([*way, name, higher, *self.mean(way, name)])
        return out.getvalue()

    def latex(self) -> str:
        """A table for booktabs, the best mean of each metric in bold."""
        lines = [
            r"\begin{tabular}{l" + "r" * len(self.metrics) + "}",
            r"\toprule",
            " & ".join(["", *(_escaped(name) for name in self.metrics)]) + r" \\",
            r"\midrule",
        ]
        best = {}
        for name in self.metrics:
            sign = 1 if metric_of(name).higher_is_better else -1
            best[name] = max(self.ways, key=lambda way: sign * self.mean(way, name).value)
        for way in self.ways:
            cells = [_escaped(self.label(way))]
            for name in self.metrics:
                text = f"{self.mean(way, name).value:.3f}"
                cells.append(rf"\textbf{{{text}}}" if best[name] == way else text)
            lines.append(" & ".join(cells) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _ways(settings: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (classifier, method, infiller)
        for classifier in settings["classifiers"]
        for method in settings["methods"]
        for infiller in settings["infillers"]
    ]


def _way(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in KEYS)


def _about(folder: Path, manifest: dict[str, Any], rows: list[Row]) -> str:
    settings, versions = manifest["settings"], manifest["versions"]
    bad = len({row["photo"] for row in rows if row["error"]})
    return (
        f"{folder.name}: {manifest['photos']} photos of {settings['data']}"
        f"{f', {bad} of them bad' if bad else ''}; target {settings['target']}, seed "
        f"{settings['seed']}, budget {settings['budget'] or 'own'}, judge "
        f"{settings['judge'] or 'own'}, {settings['precision']}; unsee {versions['unsee']}, "
        f"torch {versions['torch']}."
    )


def headed(metric: str) -> str:
    """A metric's name and which way is better."""
    return f"{metric} {'↑' if metric_of(metric).higher_is_better else '↓'}"


def _told(found: Difference) -> str:
    low, high = found.mean.low, found.mean.high
    return f"{found.mean.value:+.3f} ({low:+.3f} to {high:+.3f}), {found.wins:.0%}, {found.verdict}"


def _cells(values: Sequence[str]) -> str:
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"


def _escaped(text: str) -> str:
    for sign in "&%$#_{}":
        text = text.replace(sign, "\\" + sign)
    return text
