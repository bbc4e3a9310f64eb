"""Photos with a JSON file of annotations."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from unsee.datasets._checks import clip_boxes, is_index, parse_boxes
from unsee.datasets.base import Dataset, Sample, Samples, check_samples
from unsee.errors import InputError, as_input_error
from unsee.images import reading
from unsee.images.framing import Photo
from unsee.storage import files

__all__ = ["Annotated"]

MAX_BYTES = 2**26
"""Size of the largest file of annotations: 64 MiB."""
MAX_SIDE = 10**6
"""Number of pixels above all heights and widths."""


@dataclass(frozen=True)
class Annotated(Dataset):
    """A folder or a zip file with annotations.json: a list of {file, index, boxes, mask}.

    `file` and `mask` are paths relative to the annotations or to `images/` next to them. `index` is
    the class, `boxes` are lists x1, y1, x2, y2, and `mask` is a picture that is black or
    transparent where no object is; JPEG and other lossy masks are cut at half of their brightest
    value. `width` and `height` are the size at which the boxes were annotated. All fields except
    `file` are optional.
    """

    annotations: str = "annotations.json"
    """Name of the JSON file."""

    def recognises(self, path: Path) -> bool:
        """Return whether the folder or zip file holds the JSON file."""
        if path.suffix == ".zip" and files.is_file(path) and zipfile.is_zipfile(path):
            return self.annotations in _Zip(path).names
        return files.is_file(path / self.annotations)

    def samples(self, path: Path) -> Samples:
        """Return one sample per entry of the JSON file whose photo exists."""
        source = _Zip(path) if files.is_file(path) else _Folder(path)
        try:
            content = source.read(self.annotations, MAX_BYTES)
            entries = files.parse_json(files.decode_text(content, self.annotations), path)
        except InputError as error:
            raise InputError(f"{path}: no readable {self.annotations}: {error}") from error
        if not isinstance(entries, list):
            raise InputError(f"{path}: {self.annotations} is not a list of photos")
        samples: list[Sample] = []
        missing: list[str] = []
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
                raise InputError(
                    f"{path}: expected an annotation with a file, got {str(entry)[:80]}"
                )
            photo = source.find(files.check_relative(entry["file"], path))
            if photo is None:
                missing.append(entry["file"])
            else:
                samples.append(_sample(entry, photo, source, path))
        return check_samples(samples, path, missing=missing)


def _sample(entry: dict[str, Any], photo: str, archive: "_Folder | _Zip", path: Path) -> Sample:
    name = entry["file"]
    source = f"{path}: {name}"
    target = entry.get("index")
    if target is not None and not is_index(target):
        raise InputError(f"{source}: expected a class index, got {str(target)[:40]!r}")
    boxes = parse_boxes(entry.get("boxes") or [], source)
    size = _size(entry, source)
    if len(boxes) and size:
        boxes = clip_boxes(boxes, size[1], size[0], source)
    mask = entry.get("mask")
    if mask is not None and not isinstance(mask, str):
        raise InputError(f"{source}: expected the name of a mask, got {str(mask)[:40]!r}")
    outline = _outline(archive, mask, path) if mask else None
    reader = _Reader(archive, photo)
    return Sample(name, reader, target, boxes, size, outline, reader.size)


def _size(entry: dict[str, Any], source: str) -> tuple[int, int] | None:
    """Return the height and width at which the boxes were annotated; None if one is missing."""
    if not {"width", "height"} <= entry.keys():
        return None
    height, width = entry["height"], entry["width"]
    if not all(type(side) in {int, float} and 0 < side < MAX_SIDE for side in (height, width)):
        raise InputError(
            f"{source}: expected width and height in pixels, got {str(width)[:40]!r}, "
            f"{str(height)[:40]!r}"
        )
    return height, width


def _outline(
    source: "_Folder | _Zip", name: str, path: Path
) -> Callable[[], Bool[Tensor, "height width"]]:
    mask = source.find(files.check_relative(name, path))
    if mask is None:
        raise InputError(f"{path}: no mask {name}, which the annotations name")
    return lambda: reading.decode_mask(source.read(mask), mask)


@dataclass(frozen=True)
class _Reader:
    """Reads a picture."""

    source: "_Folder | _Zip"
    path: str

    def __call__(self, channels: int) -> Photo:
        return reading.decode(self.source.read(self.path), self.path, channels)

    def size(self) -> tuple[int, int]:
        """Return its height and width as they are stored."""
        return reading.stored_size(BytesIO(self.source.read(self.path)), self.path)


class _Folder:
    """Files of a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, name: str) -> str | None:
        """Return the path of a file below the folder or its `images/`; None if there is none."""
        paths = (name, f"images/{name}")
        return next((path for path in paths if files.is_file(self.path / path)), None)

    def read(self, path: str, limit: int = files.MAX_BYTES) -> bytes:
        return files.read_bytes(self.path / path, limit)


class _Zip:
    """Files of a zip file, which is opened for each one, so that instances can be pickled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with as_input_error(f"{path}: not a zip file that can be read"), self._open() as archive:
            self.names = frozenset(archive.namelist())

    def _open(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(files.check_file(self.path))

    def find(self, name: str) -> str | None:
        """Return the path of a file in the archive or its `images/`; None if there is none."""
        return next((path for path in (name, f"images/{name}") if path in self.names), None)

    def read(self, path: str, limit: int = files.MAX_BYTES) -> bytes:
        with as_input_error(f"{self.path}: {path} cannot be read"), self._open() as archive:
            return files.read_member(archive, path, self.path, limit)
