"""Refuse a report that pairs numbers of different photos, classes, weights or settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unsee.errors import InputError
from unsee.evaluation.manifest import ClassifierView, upgraded
from unsee.evaluation.store import Store
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
    """Check that runs with photos of the same name have the same photos, weights and settings.

    Raises:
        InputError: Two of them do not, so that a mean or a paired difference would be of neither.
    """
    seen: list[tuple[Store, dict[str, Any], set[str]]] = []
    for store in stores if len(stores) > 1 else ():
        manifest = store.manifest()
        photos = {row["photo"] for row in store.walk(("photo",))}
        for other, others, names in seen:
            what = _difference(others, manifest) if photos & names else None
            changes = _classifier_changes(other, others, store, manifest) if photos & names else ()
            if what is None and changes:
                what = f"a classifier of the same name with other {', '.join(changes)}"
            if what:
                raise InputError(
                    f"{other.folder} and {store.folder} have photos of the same names, but {what}; "
                    "report them separately"
                )
        seen.append((store, manifest, photos))


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return what makes numbers of the same photo different in two runs, by their manifests."""
    a, b = (upgraded(manifest.get("settings", {})) for manifest in (first, second))
    data = [str(settings.get("data")) for settings in (a, b)]
    if Path(data[0]).name != Path(data[1]).name:
        return f"other data ({data[0]}, {data[1]})"
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
    ids = [manifest.get("photo_ids") for manifest in (first, second)]
    is_same_part = ids[0] == ids[1] and (
        ids[0] is not None or all(a.get(key) == b.get(key) for key in OF_PHOTOS)
    )
    if is_same_part and first.get("annotations") != second.get("annotations"):
        return "other annotations"
    return None


def _classifier_changes(
    first: Store, one: dict[str, Any], second: Store, two: dict[str, Any]
) -> list[str]:
    """Return what differs between the views of classifiers of the same name in two runs."""
    views: list[dict[str, ClassifierView]] = []
    for store, manifest in ((first, one), (second, two)):
        names = manifest.get("settings", {}).get("classifiers", ())
        stored = {str(name): store.read_view(number) for number, name in enumerate(names)}
        views.append({name: view for name, view in stored.items() if view is not None})
    pairs = [(view, views[1][name]) for name, view in views[0].items() if name in views[1]]
    return [change for view, other in pairs for change in view.changes(other)]
