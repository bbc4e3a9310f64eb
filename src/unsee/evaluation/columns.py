"""Columns of a run: one for each metric, and one for each value of a range of a setting."""

from collections.abc import Iterable, Iterator
from itertools import islice

from unsee.errors import InputError
from unsee.metrics.base import Metric
from unsee.registry import parse, resolve

MAX_VALUES = 1000
"""Largest number of columns for which a range may stand."""
MAX_COLUMNS = 10_000
"""Largest number of columns of a run."""


def metric_of(column: str) -> Metric:
    """Return the metric that gives its name to a column."""
    metric: Metric = resolve("metrics", column)
    return metric


def columns_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """Return one column for each metric, and one for each value of a range.

    A range is `setting=first:last:step`.

    Raises:
        InputError: A range is not three numbers, or has more than 1000 values, or there are more
            than 10 000 columns.
    """
    columns = (column for text in metrics for column in _expanded(text))
    some = list(islice(columns, MAX_COLUMNS + 1))
    if len(some) > MAX_COLUMNS:
        raise InputError(f"expected at most {MAX_COLUMNS:,} columns of metrics")
    return tuple(dict.fromkeys(some))


def _expanded(text: str) -> Iterator[str]:
    for key, value in parse("metrics", text).texts.items():
        if ":" not in value:
            continue
        try:
            first, last, step = (float(part) for part in value.split(":"))
            count = round((last - first) / step) + 1
        except (ValueError, ZeroDivisionError, OverflowError):
            count = 0
        if not 1 <= count <= MAX_VALUES:
            raise InputError(f"{text}: expected {key}=first:last:step, got {value!r}")
        for i in range(count):
            yield from _expanded(text.replace(f"{key}={value}", f"{key}={first + i * step:.6g}"))
        return
    yield text
