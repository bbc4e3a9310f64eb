"""Means of runs in experiment trackers."""

from collections.abc import Sequence
from pathlib import Path

from unsee.evaluation.plan import Combination
from unsee.output.trackers import log_once
from unsee.reports import ranking
from unsee.reports.results import Results


def track(results: Results, trackers: Sequence[str], folder: Path, stage: str = "") -> None:
    """Log each configuration as a run: its means with their intervals, and its cost.

    Args:
        results: Results of runs.
        trackers: Names of trackers.
        folder: Folder of their files.
        stage: Name of the stage of a plan.
    """
    for configuration in results.configurations:
        label = results.label(configuration)
        log_once(
            trackers, f"{stage}: {label}" if stage else label, _numbers(results, configuration),
            {**configuration._asdict(), "stage": stage}, folder,
        )  # fmt: skip


def _numbers(results: Results, configuration: Combination) -> dict[str, float]:
    """Return all numbers of a configuration by name; those that are missing are left out."""
    numbers: dict[str, float] = {}
    for metric in results.metrics:
        mean = results.mean(configuration, metric)
        if mean.photos:
            numbers[metric] = mean.value
        if mean.has_interval:
            numbers |= {f"low/{metric}": mean.low, f"high/{metric}": mean.high}
    forwards, backwards = results.passes(configuration)
    return numbers | {
        "photos": ranking.photos_of(results, configuration),
        "passes": forwards,
        "passes with gradient": backwards,
        "seconds per photo": results.seconds.get(configuration, 0.0),
    }
