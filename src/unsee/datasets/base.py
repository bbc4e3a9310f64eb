"""What a data set is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from zipfile import BadZipFile
from zlib import error

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

T = TypeVar("T")
Boxes = Float[Tensor, "_n 4"]
"""x1, y1, x2, y2 in pixels, one for each object of the labelled class."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo and what is known about it, without the pixels until they are asked for."""

    id: str
    """Unique in the data set and the same whatever its order."""
    read: Callable[[int], Photo]
    """The whole photo with so many channels; raises `InputError` for a bad one."""
    target: int | None = None
    """The labelled class."""
    boxes: Boxes = field(default_factory=lambda: torch.zeros(0, 4))
    """Of the labelled objects, in the photo's pixels, or in those of `size`."""
    size: tuple[int, int] | None = None
    """Height and width that the boxes are given in, where photos may be stored at another."""
    outline: Callable[[], Bool[Tensor, "height width"]] | None = None
    """The labelled object's pixels, where they are known."""

    def photo(self, channels: int) -> Photo:
        """The whole photo.

        Raises `InputError` for one that cannot be read, whatever is wrong with it.
        """
        return _whole(self.id, lambda: self.read(channels))

    def inside(self) -> Bool[Tensor, "height width"]:
        """The labelled object's pixels, where an outline is known.

        Raises `InputError` for one that cannot be read.
        """
        assert self.outline is not None
        return _whole(f"{self.id}: its outline", self.outline)

    def boxes_in(self, photo: Photo) -> Boxes:
        """The boxes in the pixels of the photo as it is stored.

        Raises `InputError` for boxes that this photo cannot have: outside of it, or given for a
        photo that stands where this one lies (turned after it was annotated).
        """
        rows, columns = photo.shape[-2:]
        if self.size is None:
            return checked(self.boxes, columns, rows, self.id) if len(self.boxes) else self.boxes
        height, width = self.size
        if len(self.boxes) and (height - width) * (rows - columns) < 0:
            raise InputError(
                f"{self.id}: annotated at {width} x {height} pixels, but the photo is {columns} x "
                f"{rows}: turned since, so that its boxes do not fit"
            )
        scale = [photo.shape[-1] / width, photo.shape[-2] / height] * 2
        return self.boxes * self.boxes.new_tensor(scale)


class Dataset(ABC):
    """Opens labelled photos. Final subclasses are frozen dataclasses of settings.

    `DATASET:PATH` names one; a bare path is opened by whatever recognises it.
    """

    argument: ClassVar[str] = "PATH"

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether this is how the data at the path are laid out."""

    @abstractmethod
    def samples(self, path: Path) -> list[Sample]:
        """All samples, in a fixed order, without reading a photo.

        Raises `InputError` for annotations that are missing or wrong.
        """


WRONG = (ValueError, KeyError, IndexError, TypeError, AttributeError)
"""What is raised by content that is not what it should be."""


def boxes_of(rows: Any, where: str) -> Boxes:
    """Boxes from lists of four numbers.

    Raises `InputError` for anything else.
    """
    try:
        found = torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float32)
        if found.shape == (len(rows), 4) or not len(rows):
            return found.reshape(-1, 4)
    except WRONG:
        pass
    raise InputError(f"{where}: expected boxes [[x1, y1, x2, y2], ...], got {str(rows)[:80]}")


def _whole(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except InputError:
        raise
    except (*WRONG, OSError, EOFError, SyntaxError, BadZipFile, error) as wrong:
        raise InputError(f"{what} cannot be read: {wrong}") from wrong


def reader(path: Path) -> Callable[[int], Photo]:
    """Reads a photo from a file when it is wanted."""
    return lambda channels: reading.read(path, channels).pixels


def checked(boxes: Boxes, width: float, height: float, where: str) -> Boxes:
    """Boxes cut to the photo; refused where they are turned round, outside or no numbers."""
    cut = boxes.clone()
    cut[:, 0::2], cut[:, 1::2] = boxes[:, 0::2].clamp(0, width), boxes[:, 1::2].clamp(0, height)
    bad = ~((cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1]) & boxes.isfinite().all(1))
    if bad.any():
        one = [round(v, 1) for v in boxes[bad][0].tolist()]
        raise InputError(
            f"{where}: the box {one} (x1, y1, x2, y2) is outside of the photo, "
            f"{width:g} x {height:g} pixels, or turned round"
        )
    return cut


def needed(path: Path, what: str) -> Path:
    """A path that must be there."""
    if not path.exists():
        raise InputError(f"expected {what} at {path}, which is not there")
    return path


def unique(samples: list[Sample], path: Path) -> list[Sample]:
    """The samples, if there are any and their ids differ."""
    if not samples:
        raise InputError(f"{path}: no photos in this data set")
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"{path}: {sample.id} is there twice")
        seen.add(sample.id)
    return samples


def limited(samples: list[Sample], limit: int | None) -> Iterator[Sample]:
    """The first so many; all without a limit."""
    yield from samples[:limit] if limit else samples


def classes_in(text: str) -> frozenset[int]:
    """The classes in `0-49,120`; none for an empty text.

    Raises `InputError` for what is no class or range.
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise InputError(f"expected classes as 0-49,120, got {text!r}")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def of_classes(samples: list[Sample], text: str) -> list[Sample]:
    """Those of the labelled classes in `0-49,120`; all for an empty text."""
    wanted = classes_in(text)
    return [one for one in samples if one.target in wanted] if wanted else samples
