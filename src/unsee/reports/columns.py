"""Metrics of one configuration as arrays of numbers; long runs have many rows."""

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern

import numpy as np
from numpy.typing import NDArray

from unsee.errors import InputError
from unsee.evaluation.plan import Combination
from unsee.evaluation.rows import TEXT_COLUMNS, Row


@dataclass(frozen=True, eq=False)
class MetricColumns:
    """All rows of a configuration with a map, one array for each metric."""

    photos: list[str] = field(default_factory=list)
    columns: dict[str, "array[float]"] = field(default_factory=dict)
    """A number for each photo, NaN where the row has none, as for a metric that failed."""
    failed: set[str] = field(default_factory=set)
    """Photos that could not be explained."""

    def add(self, row: Row) -> None:
        """Append a row."""
        if is_failed(row):
            self.failed.add(row["photo"])
            return
        self.photos.append(intern(row["photo"]))
        for name, value in row.items():
            if name in TEXT_COLUMNS:
                continue
            if name not in self.columns:
                self.columns[name] = array("d", [math.nan] * (len(self.photos) - 1))
            self.columns[name].append(math.nan if value is None else value)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return the numbers of a column in the order of the photos."""
        return np.array(self.columns.get(name, ()), dtype=float)


def is_failed(row: Row) -> bool:
    """Return whether a photo could not be explained; otherwise a metric alone may have failed."""
    return bool(row["error"]) and row.get("target") is None


def configuration_of(row: Row, folder: Path) -> Combination:
    """Return the classifier, method and in-filler of a row; `folder` is that of its run."""
    if missing := [key for key in (*Combination._fields, "error") if key not in row]:
        raise InputError(f"{folder}: its rows lack {', '.join(missing)}")
    return Combination(*(row[key] for key in Combination._fields))
