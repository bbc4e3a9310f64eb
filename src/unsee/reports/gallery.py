"""Some photos of a run beside their maps, where the run kept its maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from unsee.classifiers import loading
from unsee.errors import InputError
from unsee.evaluation.plan import Plan
from unsee.evaluation.store import Store
from unsee.images import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHOTOS = 6
"""Rows of the picture."""
WIDTH = 1.9
"""Inches of a column."""


class Shown(NamedTuple):
    """A photo as the classifier takes it, and its maps by classifier, method and in-filler."""

    title: str
    photo: Tensor
    maps: dict[tuple[str, ...], Tensor]


def shown(folders: Sequence[Path], count: int = PHOTOS) -> list[Shown]:
    """The first photos that every way of the first run with maps has a map for.

    Ways of its first classifier: others see another part of a photo, or another size.
    Empty where no maps are kept, and where the photos are no longer where they were.
    """
    for folder in folders:
        store = Store(folder)
        settings = store.manifest()["settings"]
        if not settings.get("save_maps"):
            continue
        try:
            found = _some(Plan.of(settings), store, count)
        except InputError:
            continue
        if found:
            return found
    return []


def _some(plan: Plan, store: Store, count: int) -> list[Shown]:
    ways = {n: way for n, way in enumerate(plan.combinations()) if way[0] == plan.classifiers[0]}
    classifier = loading.load(plan.classifiers[0])
    found: list[Shown] = []
    for shard, samples in enumerate(plan.shards(plan.samples())):
        maps = [store.kept(number, shard) for number in ways]
        for sample in samples:
            if len(found) == count:
                return found
            if not all(sample.id in kept for kept in maps):
                continue
            photo = classifier.framing.show(sample.photo(classifier.channels))[0]
            target = sample.target if plan.target == "label" else None
            title = "" if target is None else classifier.label(target)
            mine = {
                tuple(way): torch.from_numpy(kept[sample.id]).float()
                for way, kept in zip(ways.values(), maps, strict=True)
            }
            found.append(Shown(title, photo, mine))
    return found


def gallery(found: Sequence[Shown], labels: dict[tuple[str, ...], str]) -> "Figure":
    """A row for each photo: itself, then the map of each way under its label."""
    from matplotlib.figure import Figure

    ways = [way for way in labels if way in found[0].maps]
    size = (WIDTH * (1 + len(ways)), WIDTH * len(found) + 0.4)
    figure = Figure(figsize=size, layout="constrained", facecolor=drawing.PAPER)
    axes = figure.subplots(len(found), 1 + len(ways), squeeze=False)
    for row, one in zip(axes, found, strict=True):
        drawing.show(row[0], drawing.to_pixels(one.photo))
        row[0].set_title(one.title, fontsize=8, color=drawing.INK)
        for at, way in zip(row[1:], ways, strict=True):
            drawing.show(at, drawing.overlay(one.photo, one.maps[way]))
    for at, way in zip(axes[0, 1:], ways, strict=True):
        at.set_title(labels[way], fontsize=8, color=drawing.INK)
    return figure
