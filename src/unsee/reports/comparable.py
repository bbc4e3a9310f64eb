"""Refuse a report that pairs numbers of different photos, classes or weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unsee.errors import InputError
from unsee.evaluation.store import Store


def check_comparable(stores: Sequence[Store]) -> None:
    """Check that runs with photos of the same name have the same photos, targets and weights.

    Raises:
        InputError: Two of them do not, so that a mean or a paired difference would be of neither.
    """
    seen: list[tuple[Store, dict[str, Any], set[str]]] = []
    for store in stores if len(stores) > 1 else ():
        manifest = store.manifest()
        photos = {row["photo"] for row in store.walk(("photo",))}
        for other, others, names in seen:
            what = _difference(others, manifest) if photos & names else None
            if what is None and _other_weights(other, others, store, manifest):
                what = "a classifier of the same name with other weights"
            if what:
                raise InputError(
                    f"{other.folder} and {store.folder} have photos of the same names, but {what}; "
                    "report them separately"
                )
        seen.append((store, manifest, photos))


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return what makes photos of the same name different in two runs, by their manifests."""
    a, b = first.get("settings", {}), second.get("settings", {})
    data = [str(settings.get("data")) for settings in (a, b)]
    if Path(data[0]).name != Path(data[1]).name:
        return f"other data ({data[0]}, {data[1]})"
    if a.get("target") != b.get("target"):
        return f"other targets ({a.get('target')}, {b.get('target')})"
    is_same_part = all(a.get(key) == b.get(key) for key in ("limit", "classes"))
    if is_same_part and first.get("annotations") != second.get("annotations"):
        return "other annotations"
    return None


def _other_weights(first: Store, one: dict[str, Any], second: Store, two: dict[str, Any]) -> bool:
    digests: dict[str, set[str]] = {}
    for store, manifest in ((first, one), (second, two)):
        for number, name in enumerate(manifest.get("settings", {}).get("classifiers", ())):
            view = store.read_view(number)
            if view is not None and view.digest:
                digests.setdefault(str(name), set()).add(view.digest)
    return any(len(values) > 1 for values in digests.values())
