"""Columns that differ in one number only: a curve over it, or a threshold to be chosen."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unsee.registry import parse

LEAST = 3
"""Columns that make a curve."""
CHOSEN = "alpha"
"""The setting that papers choose on held-out photos."""
TUNED = "tuned"
"""Its value in the name of the column that is made by choosing."""

Numbers = dict[str, float]
"""One for each photo."""


class Series(NamedTuple):
    """A metric at several values of one of its settings."""

    name: str
    """The metric with its other settings."""
    setting: str
    columns: dict[float, str]
    """By the value of the setting, rising."""

    @property
    def tuned(self) -> str:
        """Name of the column in which each photo has the number at a chosen value."""
        joint = "," if ":" in self.name else ":"
        return f"{self.name}{joint}{self.setting}={TUNED}"


def series(columns: Sequence[str]) -> list[Series]:
    """All series among columns `NAME:setting=value,...`."""
    groups: dict[tuple[str, str], dict[float, str]] = {}
    for column in columns:
        spec = parse("metrics", column)
        name, settings = spec.name, spec.settings
        for key, value in settings.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            others = [f"{k}={_plain(v)}" for k, v in settings.items() if k != key]
            rest = f"{name}:{','.join(others)}" if others else name
            groups.setdefault((rest, key), {})[float(value)] = column
    return [
        Series(name, key, dict(sorted(found.items())))
        for (name, key), found in groups.items()
        if len(found) >= LEAST
    ]


def cross_fitted(values: dict[float, Numbers], sign: int) -> Numbers:
    """The number of each photo at the value that was best on the other half of the photos.

    Photos are told in two by every second id. Of equally good values the smallest is taken. The
    papers choose on photos that they do not report; so does this, and still reports all.
    """
    photos = sorted(set.intersection(*(set(numbers) for numbers in values.values())))
    found: Numbers = {}
    for half in (0, 1):
        mine, held_out = photos[half::2], photos[1 - half :: 2]
        if not held_out:
            return {}
        means = {
            value: sign * float(np.mean([numbers[photo] for photo in held_out]))
            for value, numbers in values.items()
        }
        best = max(means, key=lambda value: (round(means[value], 9), -value))
        found.update({photo: values[best][photo] for photo in mine})
    return found


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
