"""Photos with a JSON file of annotations."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from unsee.datasets.base import Dataset, Sample, check_samples, clip_boxes, parse_boxes
from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

__all__ = ["Annotated"]


@dataclass(frozen=True)
class Annotated(Dataset):
    """A folder or a zip file with annotations.json: a list of {file, index, boxes, mask}.

    `file` and `mask` are paths relative to the annotations or to `images/` next to them. `index` is
    the class, `boxes` are lists x1, y1, x2, y2, and `mask` is a picture that is not black where the
    object is. `width` and `height` are the size at which the boxes were annotated. All fields
    except `file` are optional.
    """

    annotations: str = "annotations.json"
    """Name of the JSON file."""

    def recognises(self, path: Path) -> bool:
        """Return whether the folder or zip file holds the JSON file."""
        if path.suffix == ".zip" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return self.annotations in archive.namelist()
        return (path / self.annotations).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """Return one sample per entry of the JSON file."""
        files = _Zip(path) if path.is_file() else _Folder(path)
        try:
            entries = json.loads(files.read(self.annotations))
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{path}: no readable {self.annotations}: {error}") from error
        if not isinstance(entries, list):
            raise InputError(f"{path}: {self.annotations} is not a list of photos")
        return check_samples([_sample(entry, files, path) for entry in entries], path)


def _sample(entry: Any, files: "_Folder | _Zip", path: Path) -> Sample:
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise InputError(f"{path}: expected an annotation with a file, got {str(entry)[:80]}")
    name = entry["file"]
    source = f"{path}: {name}"
    target = entry.get("index")
    if target is not None and (not isinstance(target, int) or target < 0):
        raise InputError(f"{source}: expected a class index, got {target!r}")
    photo = files.find(name)
    if photo is None:
        raise InputError(f"{path}: no file {name}, which the annotations name")
    boxes = parse_boxes(entry.get("boxes") or [], source)
    size = _size(entry, source)
    if len(boxes) and size:
        boxes = clip_boxes(boxes, size[1], size[0], source)
    mask = entry.get("mask")
    if mask is not None and not isinstance(mask, str):
        raise InputError(f"{source}: expected the name of a mask, got {mask!r}")
    outline = _outline(files, mask, path) if mask else None
    return Sample(name, _reader(files, photo), target, boxes, size, outline)


def _size(entry: dict[str, Any], source: str) -> tuple[int, int] | None:
    """Return the height and width at which the boxes were annotated; None if one is missing."""
    if not {"width", "height"} <= entry.keys():
        return None
    height, width = entry["height"], entry["width"]
    if not all(isinstance(side, int | float) and side > 0 for side in (height, width)):
        raise InputError(
            f"{source}: expected width and height in pixels, got {width!r}, {height!r}"
        )
    return height, width


def _reader(files: "_Folder | _Zip", path: str) -> Callable[[int], Photo]:
    return lambda channels: reading.decode(files.read(path), path, channels)


def _outline(
    files: "_Folder | _Zip", name: str, path: Path
) -> Callable[[], Bool[Tensor, "height width"]]:
    mask = files.find(name)
    if mask is None:
        raise InputError(f"{path}: no mask {name}, which the annotations name")
    return lambda: reading.decode(files.read(mask), mask, 1)[0] > 0


class _Folder:
    """Files of a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, name: str) -> str | None:
        """Return the path of a file below the folder or its `images/`; None if there is none."""
        paths = (name, f"images/{name}")
        return next((path for path in paths if (self.path / path).is_file()), None)

    def read(self, path: str) -> bytes:
        return (self.path / path).read_bytes()


class _Zip:
    """Files of a zip file, which is opened for each one, so that instances can be pickled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.names = frozenset(archive.namelist())

    def find(self, name: str) -> str | None:
        """Return the path of a file in the archive or its `images/`; None if there is none."""
        return next((path for path in (name, f"images/{name}") if path in self.names), None)

    def read(self, path: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(path)
