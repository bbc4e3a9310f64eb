"""Photos of a run next to their maps, if the run saved them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from unsee.classifiers import labels
from unsee.datasets._loading import loads_classifier
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.evaluation import photos
from unsee.evaluation.manifest import ClassifierView
from unsee.evaluation.plan import Combination, Plan
from unsee.evaluation.store import MANIFEST, Maps, Store
from unsee.images import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

MAX_PHOTOS = 6
"""Rows of the figure."""
COLUMN_WIDTH = 1.9
"""Width of a picture in inches."""
NAME_WIDTH = 1.6
"""Width of the column of names in inches."""
LABEL_CHARACTERS = 24
"""Characters in a line of a label."""


class Example(NamedTuple):
    """A photo in the frame of the classifier, its id, the class explained, and its maps."""

    id: str
    explained_class: str
    photo: Tensor
    maps: dict[Combination, Tensor]


def examples(
    folders: Sequence[Path], count: int = MAX_PHOTOS, ids: Sequence[str] = ()
) -> list[Example]:
    """Return the first photos for which every configuration of the first run with maps has one.

    With `ids` those of these photos, in any order.

    Only configurations of its first classifier are used: others see another part of a photo, or
    another size. The list is empty if no maps were saved, if the photos have been moved, or if
    a classifier chose them. No classifier is loaded: the run has stored how it frames photos.
    """
    count = len(ids) or count
    for folder in folders:
        store = Store(folder)
        if store.info().settings.save_maps and (results := _examples(store, count, ids)):
            return results
    return []


def _examples(store: Store, count: int, ids: Sequence[str]) -> list[Example]:
    view = store.read_view(0)
    try:
        plan = Plan.of(store.manifest()["settings"])
    except InputError as error:
        raise error.prefixed(store.folder / MANIFEST) from error
    if loads_classifier(plan.data):
        return []
    configurations = {
        number: configuration
        for number, configuration in enumerate(plan.combinations())
        if configuration.classifier == plan.classifiers[0]
    }
    results: list[Example] = []
    if view is None:  # a run of an earlier version
        return results
    targets = _targets(store, plan.classifiers[0])
    for shard, samples in _shards(plan, store, ids).items():
        maps = {c: store.read_maps(number, shard) for number, c in configurations.items()}
        for sample in samples:
            name = _class_name(view, targets.get(sample.id))
            with suppress(InputError):  # this photo has been moved
                example = _example(sample, view, maps, name)
                results += [] if example is None else [example]
            if len(results) == count:
                return results
    return results


def _shards(plan: Plan, store: Store, ids: Sequence[str]) -> dict[int, list[Sample]]:
    """Return the photos by the numbers of their shards; none if they have been moved."""
    try:
        shards = plan.shards(photos.of_run(plan, store))
    except InputError:
        return {}
    if not ids:
        return dict(enumerate(shards))
    parts = {number: [s for s in shard if s.id in ids] for number, shard in enumerate(shards)}
    return {number: part for number, part in parts.items() if part}


def _example(
    sample: Sample, view: ClassifierView, maps: dict[Combination, Maps], name: str
) -> Example | None:
    """Return a photo with its maps; None unless every configuration has one of the right size."""
    if not all(sample.id in saved for saved in maps.values()):
        return None
    photo = view.framing.show(sample.photo(view.channels))[0]
    tensors = {c: torch.from_numpy(saved[sample.id]).float() for c, saved in maps.items()}
    if any(saliency.shape != photo.shape[-2:] for saliency in tensors.values()):
        return None
    return Example(sample.id, name, photo, tensors)


def _targets(store: Store, classifier: str) -> dict[str, int]:
    """Return the class of each photo that was explained for a classifier."""
    rows = store.walk(("photo", "classifier", "target"))
    return {
        row["photo"]: row["target"]
        for row in rows
        if row["classifier"] == classifier and row["target"] is not None
    }


def _class_name(view: ClassifierView, target: int | None) -> str:
    return "" if target is None else labels.name_of(view.labels, target)


def gallery(rows: Sequence[Example], labels: dict[Combination, str]) -> "Figure":
    """Draw a row for each photo: its id and class, the photo, the map of each configuration."""
    from unsee.images.figure import Figure

    figure = Figure(
        figsize=size(len(rows), len([c for c in labels if c in rows[0].maps])),
        layout="constrained", facecolor=drawing.BACKGROUND_COLOUR,
    )  # fmt: skip
    draw(figure, rows, labels)
    return figure


def size(rows: int, maps: int) -> tuple[float, float]:
    """Return the width and the height of a gallery in inches."""
    return NAME_WIDTH + COLUMN_WIDTH * (1 + maps), COLUMN_WIDTH * rows + 0.6


def draw(
    figure: "FigureBase", rows: Sequence[Example], labels: dict[Combination, str],
    notes: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Draw a gallery into a figure or a part of one; `notes` by id stand below the classes."""
    configurations = [c for c in labels if c in rows[0].maps]
    widths = [NAME_WIDTH, *[COLUMN_WIDTH] * (1 + len(configurations))]
    axes = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
    for row, example in zip(axes, rows, strict=True):
        row[0].set_axis_off()
        name = fill(drawing.drawable(example.id), LABEL_CHARACTERS)
        row[0].text(0, 0.52, name, va="bottom", fontsize=8, color=drawing.MUTED_COLOUR)
        explained = drawing.drawable(f"explained: {example.explained_class}")
        text = "\n".join(
            fill(line, LABEL_CHARACTERS)
            for line in (explained, (notes or {}).get(example.id))
            if line
        )
        row[0].text(0, 0.48, text, va="top", fontsize=9, color=drawing.TEXT_COLOUR)
        drawing.show(row[1], drawing.to_pixels(example.photo))
        for panel, configuration in zip(row[2:], configurations, strict=True):
            drawing.show(panel, drawing.overlay(example.photo, example.maps[configuration]))
    titles = [
        "photo",
        *(fill(drawing.drawable(labels[c]), LABEL_CHARACTERS) for c in configurations),
    ]
    for panel, title in zip(axes[0, 1:], titles, strict=True):
        panel.set_title(title, fontsize=8, color=drawing.TEXT_COLOUR)
