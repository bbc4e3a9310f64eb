"""Rows of a way as columns of numbers: of a long run there are many."""

import math
from array import array
from dataclasses import dataclass, field
from sys import intern

import numpy as np
from numpy.typing import NDArray

from unsee.evaluation.store import Row

KEYS = ("classifier", "method", "infiller")
"""What tells ways apart."""
NAMES = (*KEYS, "photo", "error")
"""Columns that are no numbers."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """All good rows of a way, a column each."""

    photos: list[str] = field(default_factory=list)
    columns: dict[str, "array[float]"] = field(default_factory=dict)
    """A number for each photo, NaN where there is none."""
    bad: set[str] = field(default_factory=set)
    """Photos that could not be explained."""

    def add(self, row: Row) -> None:
        """A row more."""
        if row["error"]:
            self.bad.add(row["photo"])
            return
        self.photos.append(intern(row["photo"]))
        for name, value in row.items():
            if name in NAMES:
                continue
            if name not in self.columns:
                self.columns[name] = array("d", [math.nan] * (len(self.photos) - 1))
            self.columns[name].append(math.nan if value is None else value)

    def column(self, name: str) -> NDArray[np.float64]:
        """Its numbers, in the order of the photos."""
        return np.array(self.columns.get(name, ()), dtype=float)


def way_of(row: Row) -> tuple[str, ...]:
    """Classifier, method and in-filler of a row."""
    return tuple(row[key] for key in KEYS)
