"""What a report says about a run: settings, progress, photos."""

import math
from dataclasses import dataclass
from pathlib import Path

from unsee.errors import printable
from unsee.evaluation.manifest import RunManifest, Settings, Versions
from unsee.evaluation.plan import Combination
from unsee.evaluation.store import Store
from unsee.reports.photos import PhotoWords


@dataclass(frozen=True, eq=False)
class RunInfo:
    """Settings and progress of a run, as a report states them."""

    name: str
    data: str
    photos: int
    failed: int
    """Photos that could not be explained."""
    units: int
    finished: int
    """Units of work that are finished, of `units`."""
    settings: Settings
    versions: Versions
    words: PhotoWords
    """How the photos were taken from those of the data set."""
    sentence: str
    """Number of the photos, of how many, and how they were taken."""

    @classmethod
    def of(cls, store: Store, manifest: RunManifest, failed: int) -> "RunInfo":
        """Read the manifest of a run."""
        settings = manifest.settings
        shards = math.ceil(manifest.photos / (settings.shard or manifest.photos))
        words, data = PhotoWords.of_run(manifest), Path(settings.data).name
        return cls(
            store.folder.name, data, manifest.photos, failed,
            shards * len(combinations(settings)), store.units(), settings, manifest.versions,
            words, words.sentence(manifest, data),
        )  # fmt: skip

    def __str__(self) -> str:
        failed = f", {self.failed} of them failed" if self.failed else ""
        unfinished = (
            f", unfinished ({self.finished} of {self.units} units)"
            if self.finished < self.units
            else ""
        )
        settings = self.settings
        named = {
            "target": settings.target, "seed": settings.seed, "budget": settings.budget,
            "in-filler of the metrics": settings.metric_infiller, "cells": settings.cells,
            "measure": settings.measure, "fit": settings.fit,
        }  # fmt: skip
        parts = [f"{name} {value}" for name, value in named.items() if value is not None]
        return printable(
            f"{self.name}: {self.sentence}{failed}{unfinished}; {', '.join(parts)}, "
            f"{settings.precision}; unsee {self.versions.unsee}, torch {self.versions.torch}."
        )


def combinations(settings: Settings) -> list[Combination]:
    """Return the configurations of a run, in the order of their numbers."""
    return [
        Combination(classifier, method, infiller)
        for classifier in settings.classifiers
        for method in settings.methods
        for infiller in settings.infillers
    ]
