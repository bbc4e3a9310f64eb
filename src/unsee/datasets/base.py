"""Interface of data sets, and the checks that they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from zipfile import BadZipFile
from zlib import error as ZlibError

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

T = TypeVar("T")
Boxes = Float[Tensor, "_n 4"]
"""Boxes x1, y1, x2, y2 in pixels, one per object of the labelled class."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo with its labels; pixels are read on demand."""

    id: str
    """Identifier that is unique in the data set and independent of its order."""
    read: Callable[[int], Photo]
    """Reads the whole photo with the requested number of channels."""
    target: int | None = None
    """Labelled class; None for an unlabelled photo."""
    boxes: Boxes = field(default_factory=lambda: torch.zeros(0, 4))
    """Boxes of the labelled objects, in pixels of the photo, or of `size` where that is set."""
    size: tuple[int, int] | None = None
    """Height and width at which the photo was annotated, where it may be stored at another size."""
    outline: Callable[[], Bool[Tensor, "height width"]] | None = None
    """Reads the mask of the labelled objects; None where there are no outlines."""

    def photo(self, channels: int) -> Photo:
        """Read the whole photo, (channels, height, width) in [0, 1].

        Raises:
            InputError: The photo cannot be read, whatever the reason.
        """
        return _read_or_refuse(self.id, lambda: self.read(channels))

    def object_mask(self) -> Bool[Tensor, "height width"]:
        """Read the mask of the labelled objects; requires an `outline`.

        Raises:
            InputError: The mask cannot be read, whatever the reason.
        """
        assert self.outline is not None
        return _read_or_refuse(f"{self.id}: its outline", self.outline)

    def boxes_in(self, photo: Photo) -> Boxes:
        """Return the boxes in pixels of the photo as it is stored.

        Raises:
            InputError: A box lies outside of the photo, or the photo was rotated after it was
                annotated (one of the two is upright, the other one is not).
        """
        rows, columns = photo.shape[-2:]
        if self.size is None:
            return clip_boxes(self.boxes, columns, rows, self.id) if len(self.boxes) else self.boxes
        height, width = self.size
        if len(self.boxes) and (height - width) * (rows - columns) < 0:
            raise InputError(
                f"{self.id}: annotated at {width} x {height} pixels, but the photo has {columns} x "
                f"{rows}; it was rotated after it was annotated, so its boxes do not fit"
            )
        scale = [photo.shape[-1] / width, photo.shape[-2] / height] * 2
        return self.boxes * self.boxes.new_tensor(scale)


class Dataset(ABC):
    """A layout of labelled photos; subclasses are frozen dataclasses of settings.

    `DATASET:PATH` names a data set; a path alone is opened by the first layout that recognises it.
    """

    argument: ClassVar[str] = "PATH"

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the files at the path have this layout."""

    @abstractmethod
    def samples(self, path: Path) -> list[Sample]:
        """Return all samples in a fixed order, without reading any photo.

        Raises:
            InputError: Annotations are missing or malformed.
        """


CONTENT_ERRORS = (ValueError, KeyError, IndexError, TypeError, AttributeError)
"""Exceptions that malformed content raises when it is parsed."""


def parse_boxes(rows: Any, source: str) -> Boxes:
    """Return boxes from lists of four numbers.

    Args:
        rows: The lists; anything else is refused.
        source: Name of the file or entry, for messages.

    Raises:
        InputError: `rows` is malformed.
    """
    try:
        boxes = torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float32)
        if boxes.shape == (len(rows), 4) or not len(rows):
            return boxes.reshape(-1, 4)
    except CONTENT_ERRORS:
        pass
    raise InputError(f"{source}: expected boxes [[x1, y1, x2, y2], ...], got {str(rows)[:80]}")


def _read_or_refuse(description: str, read: Callable[[], T]) -> T:
    """Call `read`; raise `InputError` for everything that a damaged file can raise."""
    try:
        return read()
    except InputError:
        raise
    except (*CONTENT_ERRORS, OSError, EOFError, SyntaxError, BadZipFile, ZlibError) as error:
        raise InputError(f"{description} cannot be read: {error}") from error


def file_reader(path: Path) -> Callable[[int], Photo]:
    """Return a function that reads the photo of a file."""
    return lambda channels: reading.read(path, channels).pixels


def clip_boxes(boxes: Boxes, width: float, height: float, source: str) -> Boxes:
    """Return the boxes clipped to a photo of this size.

    Raises:
        InputError: A box lies outside of the photo, has no area, or is not finite.
    """
    clipped = boxes.clone()
    clipped[:, 0::2] = boxes[:, 0::2].clamp(0, width)
    clipped[:, 1::2] = boxes[:, 1::2].clamp(0, height)
    has_area = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    bad = ~(has_area & boxes.isfinite().all(1))
    if bad.any():
        box = [round(v, 1) for v in boxes[bad][0].tolist()]
        raise InputError(
            f"{source}: the box {box} (x1, y1, x2, y2) is outside of the photo, "
            f"{width:g} x {height:g} pixels, or its corners are swapped"
        )
    return clipped


def require(path: Path, description: str) -> Path:
    """Return a path that exists; raise `InputError` otherwise, saying what is missing."""
    if not path.exists():
        raise InputError(f"expected {description} at {path}; no such file or folder")
    return path


def check_samples(samples: list[Sample], path: Path) -> list[Sample]:
    """Return the samples; raise `InputError` if there are none or two have the same id."""
    if not samples:
        raise InputError(f"{path}: no photos in this data set")
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"{path}: duplicate photo {sample.id}")
        seen.add(sample.id)
    return samples


def limited(samples: list[Sample], limit: int | None) -> Iterator[Sample]:
    """Yield the first `limit` samples; all of them for None or 0."""
    yield from samples[:limit] if limit else samples


def parse_classes(text: str) -> frozenset[int]:
    """Return the class indices of a text like `0-49,120`; none for an empty text.

    Raises:
        InputError: The text has a part that is neither an index nor a range.
    """
    classes: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise InputError(f"expected classes as 0-49,120, got {text!r}")
        classes.update(range(int(first), int(last or first) + 1))
    return frozenset(classes)


def filter_classes(samples: list[Sample], text: str) -> list[Sample]:
    """Return the samples whose class is listed in a text like `0-49,120`; all for an empty one."""
    classes = parse_classes(text)
    return [sample for sample in samples if sample.target in classes] if classes else samples
