"""Photos with a JSON list of what is on them."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from unsee.datasets.base import Dataset, Sample, boxes_of, checked, unique
from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

__all__ = ["Annotated"]


@dataclass(frozen=True)
class Annotated(Dataset):
    """A folder or a zip with annotations.json: a list of {file, index, boxes, mask}.

    `file` and `mask` (a picture, not black where the object is) are relative to the annotations or
    to `images/` beside them; `boxes` are x1, y1, x2, y2; all but `file` may be left out.
    """

    annotations: str = "annotations.json"
    """Name of the list."""

    def recognises(self, path: Path) -> bool:
        """Whether the list is there."""
        if path.suffix == ".zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return self.annotations in archive.namelist()
        return (path / self.annotations).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """One for each entry of the list."""
        store = _Zip(path) if path.is_file() else _Folder(path)
        try:
            entries = json.loads(store.read(self.annotations))
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{path}: no readable {self.annotations}: {error}") from error
        if not isinstance(entries, list):
            raise InputError(f"{path}: {self.annotations} is not a list of photos")
        return unique([_sample(entry, store, path) for entry in entries], path)


def _sample(entry: Any, store: "_Folder | _Zip", path: Path) -> Sample:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise InputError(f"{path}: an annotation without a file: {str(entry)[:80]}")
    name = entry["file"]
    target = entry.get("index")
    if target is not None and (not isinstance(target, int) or target < 0):
        raise InputError(f"{path}: {name}: expected a class index, got {target!r}")
    place = store.find(name)
    if place is None:
        raise InputError(f"{path}: the annotation names {name}, which is not there")
    boxes = boxes_of(entry.get("boxes") or [], f"{path}: {name}")
    size = _size(entry, f"{path}: {name}")
    if len(boxes) and size:
        boxes = checked(boxes, size[1], size[0], f"{path}: {name}")
    mask = entry.get("mask")
    if mask is not None and not isinstance(mask, str):
        raise InputError(f"{path}: {name}: expected the name of a mask, got {mask!r}")
    return Sample(
        name,
        _reader(store, place),
        target,
        boxes,
        size,
        _outline(store, mask, path) if mask else None,
    )


def _size(entry: dict[str, Any], where: str) -> tuple[int, int] | None:
    """Height and width that boxes are given in, where both are said."""
    if not {"width", "height"} <= entry.keys():
        return None
    height, width = entry["height"], entry["width"]
    if not all(isinstance(side, int | float) and side > 0 for side in (height, width)):
        raise InputError(f"{where}: expected width and height in pixels, got {width!r}, {height!r}")
    return height, width


def _reader(store: "_Folder | _Zip", place: str) -> Callable[[int], Photo]:
    return lambda channels: reading.decode(store.read(place), place, channels)


def _outline(
    store: "_Folder | _Zip", name: str, path: Path
) -> Callable[[], Bool[Tensor, "height width"]]:
    place = store.find(name)
    if place is None:
        raise InputError(f"{path}: the annotation names the mask {name}, which is not there")
    return lambda: reading.decode(store.read(place), place, 1)[0] > 0


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, name: str) -> str | None:
        places = (name, f"images/{name}")
        return next((place for place in places if (self.path / place).is_file()), None)

    def read(self, place: str) -> bytes:
        return (self.path / place).read_bytes()


class _Zip:
    """Opened anew for each photo, so that it can be sent to other processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.names = frozenset(archive.namelist())

    def find(self, name: str) -> str | None:
        return next((place for place in (name, f"images/{name}") if place in self.names), None)

    def read(self, place: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(place)
