"""Metrics that were measured at several values of a setting: a curve, or a threshold to choose."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unsee.registry import parse

MIN_VALUES = 3
"""Smallest number of values of a setting that form a sweep."""
TUNED_SETTING = "alpha"
"""The setting that papers choose on held-out photos."""
TUNED = "tuned"
"""Value of that setting in the name of the column for which it is chosen."""

PhotoValues = dict[str, float]
"""A number for each photo."""


class Sweep(NamedTuple):
    """A metric at several values of one of its settings."""

    name: str
    """The metric with its other settings."""
    setting: str
    """The setting that varies."""
    columns: dict[float, str]
    """Column names by the value of the setting, in ascending order."""

    @property
    def tuned_column(self) -> str:
        """Name of the column that has each photo's number at a chosen value."""
        separator = "," if ":" in self.name else ":"
        return f"{self.name}{separator}{self.setting}={TUNED}"


def find_sweeps(columns: Sequence[str]) -> list[Sweep]:
    """Return all sweeps among columns that are named `NAME:setting=value,...`."""
    groups: dict[tuple[str, str], dict[float, str]] = {}
    for column in columns:
        spec = parse("metrics", column)
        name, settings = spec.name, spec.settings
        for key, value in settings.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            others = [f"{k}={_plain(v)}" for k, v in settings.items() if k != key]
            prefix = f"{name}:{','.join(others)}" if others else name
            groups.setdefault((prefix, key), {})[float(value)] = column
    return [
        Sweep(name, key, dict(sorted(values.items())))
        for (name, key), values in groups.items()
        if len(values) >= MIN_VALUES
    ]


def cross_fitted(values: dict[float, PhotoValues], sign: int) -> PhotoValues:
    """Return the number of each photo at the value that was best on the other half of the photos.

    Photos are split by taking every second id. Of equally good values the smallest is chosen.
    Papers choose a threshold on photos that they do not report; this does the same twice, so that
    all photos are reported.

    Args:
        values: Numbers of the photos for each value of the setting.
        sign: 1 where higher numbers are better, -1 where lower ones are.
    """
    photos = sorted(set.intersection(*(set(numbers) for numbers in values.values())))
    result: PhotoValues = {}
    for half in (0, 1):
        reported, held_out = photos[half::2], photos[1 - half :: 2]
        if not held_out:
            return {}
        means = {
            value: sign * float(np.mean([numbers[photo] for photo in held_out]))
            for value, numbers in values.items()
        }
        best = max(means, key=lambda value: (round(means[value], 9), -value))
        result.update({photo: values[best][photo] for photo in reported})
    return result


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
