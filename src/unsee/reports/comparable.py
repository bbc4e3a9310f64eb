"""Refuse a report that pairs numbers of different photos, classes, weights or settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import InputError
from unsee.evaluation.manifest import ClassifierView, upgraded
from unsee.evaluation.plan import Combination
from unsee.evaluation.store import Store
from unsee.inputs import passes_of
from unsee.parts import OWN

COMPARED = {
    "metric_infiller": "in-fillers of the metrics", "measure": "measures", "fit": "fits",
    "cells": "cells",
    "precision": "precisions", "seed": "seeds", "reference_classifiers": "reference classifiers",
}  # fmt: skip
"""Settings that change the numbers of the same configuration, with the words for messages."""
OF_PHOTOS = ("limit", "subset", "correct", "classes")
"""Settings that say which photos a run has."""
OPTIONAL = ("reference_classifiers",)
"""Settings that metrics which both runs have may not need."""


def check_comparable(stores: Sequence[Store]) -> None:
    """Check that runs whose numbers are averaged or paired have the same weights and settings.

    These are runs with photos of the same name, and runs with the same configuration, whose rows
    become one.

    Raises:
        InputError: Two of them do not, so that a mean or a paired difference would be of neither.
    """
    seen: list[_Content] = []
    for store in stores if len(stores) > 1 else ():
        content = _Content.of(store)
        for other in seen:
            same_photos = bool(content.photos & other.photos)
            merged = sorted(content.configurations & other.configurations)
            what = _difference(other, content, same_photos=same_photos, merged=bool(merged))
            if what and (same_photos or merged):
                same = "photos of the same names" if same_photos else f"rows of {merged[0].method}"
                raise InputError(
                    f"{other.store.folder} and {store.folder} have {same}, but {what}; report them "
                    "separately"
                )
        seen.append(content)


@dataclass(frozen=True, eq=False)
class _Content:
    """What a run has rows of."""

    store: Store
    manifest: dict[str, Any]
    photos: set[str]
    configurations: set[Combination]

    @classmethod
    def of(cls, store: Store) -> "_Content":
        content = cls(store, store.manifest(), set(), set())
        for row in store.walk(("photo", *Combination._fields)):
            content.photos.add(row["photo"])
            content.configurations.add(Combination(*(row[name] for name in Combination._fields)))
        return content


def _difference(one: _Content, other: _Content, *, same_photos: bool, merged: bool) -> str | None:
    """Return what makes numbers of two runs those of different photos, weights or settings."""
    manifests = one.manifest, other.manifest
    what = _other_photos(*manifests) if same_photos else None
    what = what or _other_settings(*manifests) or (_other_budget(*manifests) if merged else None)
    if what is None and (changes := _classifier_changes(one, other)):
        return f"a classifier of the same name with other {', '.join(changes)}"
    return what


def _other_photos(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return what makes photos of the same name different in two runs, by their manifests."""
    a, b = (upgraded(manifest.get("settings", {})) for manifest in (first, second))
    data = [str(settings.get("data")) for settings in (a, b)]
    if Path(data[0]).name != Path(data[1]).name:
        return f"other data ({data[0]}, {data[1]})"
    ids = [manifest.get("photo_ids") for manifest in (first, second)]
    is_same_part = ids[0] == ids[1] and (
        ids[0] is not None or all(a.get(key) == b.get(key) for key in OF_PHOTOS)
    )
    if is_same_part and first.get("annotations") != second.get("annotations"):
        return "other annotations"
    return None


def _other_settings(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return what changes the numbers of a configuration in two runs, by their manifests."""
    a, b = (upgraded(manifest.get("settings", {})) for manifest in (first, second))
    if a.get("target") != b.get("target"):
        return f"other targets ({a.get('target')}, {b.get('target')})"
    for key, words in COMPARED.items():
        values = [settings.get(key) or None for settings in (a, b)]  # earlier runs store 0 or ""
        if values[0] != values[1] and (key not in OPTIONAL or all(values)):
            own = 0 if key == "seed" else OWN
            return f"other {words} ({values[0] or own}, {values[1] or own})"
    files = [manifest.get("files") or {} for manifest in (first, second)]
    if changed := [
        name for name in files[0] if files[0][name] != files[1].get(name, files[0][name])
    ]:
        return f"other content of {changed[0]}"
    return None


def _other_budget(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return the budgets of two runs if they differ; they change the map of a configuration."""
    budgets = [manifest.get("settings", {}).get("budget") or OWN for manifest in (first, second)]
    passes = [budget if budget == OWN else passes_of(budget) for budget in budgets]
    return None if passes[0] == passes[1] else f"other budgets ({', '.join(map(str, budgets))})"


def _classifier_changes(one: _Content, other: _Content) -> list[str]:
    """Return what differs between the views of classifiers of the same name in two runs."""
    views: list[dict[str, ClassifierView]] = []
    for content in (one, other):
        names = content.manifest.get("settings", {}).get("classifiers", ())
        stored = {str(name): content.store.read_view(i) for i, name in enumerate(names)}
        views.append({name: view for name, view in stored.items() if view is not None})
    pairs = [(view, views[1][name]) for name, view in views[0].items() if name in views[1]]
    return [change for first, second in pairs for change in first.changes(second)]
