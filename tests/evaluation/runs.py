"""Plans of tiny runs, and comparison of their rows."""

import math
from pathlib import Path

from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run

ROOT = Path(__file__).parents[2]
"""Root of the repository, from which other processes import `tests.toys`."""


def make_plan(data, /, **settings) -> Plan:
    defaults = {
        "data": str(data), "classifiers": ("tests.toys:classifier",),
        "methods": ("rise:samples=40", "tide:steps=3,grid=6", "random"),
        "metrics": ("deletion", "insertion:protocol=\"igos\"", "localisation:alpha=0.6", "gini"),
        "batch": 2, "shard": 4, "subset": "first",
    }  # fmt: skip
    return Plan(**{**defaults, **settings})


def run_plan(plan, out) -> list[dict]:
    """Compute all units of a plan in this process and return the rows."""
    run = Run.begin(plan, out, threads=1)
    for _ in run.local():
        pass
    return run.store.read()


def assert_same_rows(rows, others, ignored=()) -> None:
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        assert row.keys() == other.keys()
        for key, value in row.items():
            if key in ignored:
                continue
            nan = isinstance(value, float) and math.isnan(value)
            assert value == other[key] or (nan and math.isnan(other[key])), (key, row, other)
