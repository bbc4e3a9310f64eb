"""Interface of data sets, and the checks that they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee import files
from unsee.errors import InputError, as_input_error, printable
from unsee.images import reading
from unsee.images.framing import Photo
from unsee.images.opening import MAX_PIXELS

T = TypeVar("T")
Boxes = Float[Tensor, "_n 4"]
"""Boxes x1, y1, x2, y2 in pixels, one per object of the labelled class."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo with its labels; pixels are read on demand."""

    id: str
    """Identifier that is unique in the data set and independent of its order.

    Characters that cannot be written to a table, or that start a new line, are escaped."""
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
    stored: Callable[[], tuple[int, int]] | None = None
    """Reads the height and width of the photo in its file, where large photos are read reduced."""

    def __post_init__(self) -> None:
        escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in self.id)
        object.__setattr__(self, "id", "".join(escaped))

    def photo(self, channels: int) -> Photo:
        """Read the whole photo, (channels, height, width) in [0, 1].

        Raises:
            InputError: The photo cannot be read, whatever the reason.
        """
        return _read_or_refuse(self.id, lambda: self.read(channels))

    def object_mask(self) -> Bool[Tensor, "height width"] | None:
        """Read the mask of the labelled objects; None without an outline, or one without pixels.

        Raises:
            InputError: The mask cannot be read, whatever the reason, or has other proportions than
                the photo that was annotated.
        """
        if self.outline is None:
            return None
        mask = _read_or_refuse(f"{self.id}: its outline", self.outline)
        rows, columns = mask.shape
        height, width = self.size or self._stored_like(rows, columns)
        if abs(rows * width - columns * height) > max(height, width):  # a pixel of rounding
            raise InputError(
                f"{self.id}: its outline has {columns} x {rows} pixels, but the photo has "
                f"{width:g} x {height:g}"
            )
        return mask if mask.any() else None

    def boxes_in(self, photo: Photo) -> Boxes:
        """Return the boxes in pixels of the photo as it is stored.

        Raises:
            InputError: A box lies outside of the photo, or the photo was rotated after it was
                annotated (one of the two is upright, the other one is not).
        """
        if not len(self.boxes):
            return self.boxes
        rows, columns = photo.shape[-2:]
        boxes, (height, width) = self.boxes, self.size or self._upright_size(rows, columns)
        if self.size is None:
            boxes = clip_boxes(boxes, width, height, self.id)
        if (height - width) * (rows - columns) < 0:
            raise InputError(
                f"{self.id}: annotated at {width} x {height} pixels, but the photo has {columns} x "
                f"{rows}; it was rotated after it was annotated, so its boxes do not fit"
            )
        return boxes * boxes.new_tensor([columns / width, rows / height] * 2)

    def _upright_size(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the height and width of the photo before it was reduced."""
        if not reading.may_be_reduced(rows, columns):
            return rows, columns
        return self._stored_like(rows, columns)

    def _stored_like(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the size of the stored photo, upright as a picture of this size is."""
        if self.stored is None:
            return rows, columns
        height, width = _read_or_refuse(self.id, self.stored)
        return (width, height) if (height - width) * (rows - columns) < 0 else (height, width)


class Samples(list[Sample]):
    """Samples with notes about what was left out of the data set."""

    def __init__(self, samples: Iterable[Sample] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(samples)
        self.notes = tuple(notes)


class Dataset(ABC):
    """A layout of labelled photos; subclasses are frozen dataclasses of settings.

    `DATASET:PATH` names a data set; a path alone is opened by the first layout that recognises it.
    """

    argument: ClassVar[str] = "PATH"

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the files at the path have this layout."""

    @abstractmethod
    def samples(self, path: Path) -> Samples:
        """Return all samples in a fixed order, without reading any photo.

        Photos that annotations name but that do not exist are left out, and counted in a note. A
        photo or an outline that cannot be read is an error when it is read: `Sample.photo` raises
        it, and an evaluation goes on with the others.

        Raises:
            InputError: Annotations are missing or malformed, or no photo of them exists.
        """


MAX_CLASSES = 10**files.MAX_DIGITS
"""Number above all class indices."""
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
        if (boxes.shape == (len(rows), 4) or not len(rows)) and boxes.isfinite().all():
            return boxes.reshape(-1, 4)
    except (*CONTENT_ERRORS, OverflowError, RuntimeError):
        pass
    raise InputError(
        f"{source}: expected boxes [[x1, y1, x2, y2], ...] of finite numbers, got {str(rows)[:80]}"
    )


def _read_or_refuse(description: str, read: Callable[[], T]) -> T:
    """Call `read`; raise `InputError` for everything that a damaged file can raise."""
    with as_input_error(f"{description} cannot be read"):
        return read()


def sample_of(
    path: Path, id: str, target: int | None, boxes: Boxes | None = None, **settings: Any
) -> Sample:
    """Return the sample of a photo file."""
    boxes = torch.zeros(0, 4) if boxes is None else boxes
    return Sample(id, PhotoReader(path), target, boxes, stored=StoredSize(path), **settings)


@dataclass(frozen=True)
class PhotoReader:
    """Reads the photo of a file."""

    path: Path

    def __call__(self, channels: int) -> Photo:
        """Return the photo with 1 or 3 channels."""
        return reading.read(self.path, channels).pixels


@dataclass(frozen=True)
class StoredSize:
    """Reads the height and width of the photo in a file."""

    path: Path

    def __call__(self) -> tuple[int, int]:
        """Return height and width as they are stored, before rotation."""
        with files.open_binary(self.path) as file:
            return reading.stored_size(file, self.path)


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


def check_size(height: object, width: object, source: object) -> tuple[int, int]:
    """Return the height and width of an annotated photo.

    Raises:
        InputError: They are not positive integers, or the photo has too many pixels to be read.
    """
    sides = [side for side in (height, width) if type(side) is int and side > 0]
    if len(sides) != 2 or sides[0] * sides[1] > MAX_PIXELS:
        raise InputError(
            f"{source}: expected the height and width of a photo of at most {MAX_PIXELS:,} pixels, "
            f"got {shorten(str(height), 40)}, {shorten(str(width), 40)}"
        )
    return sides[0], sides[1]


def is_file(path: Path) -> bool:
    """Return whether there is a regular file; a path that cannot exist is no file."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, a null character
        return False


def check_samples(
    samples: Sequence[Sample], path: Path, *, missing: Sequence[str] = (), notes: Iterable[str] = ()
) -> Samples:
    """Return the samples with their notes.

    Args:
        samples: The samples.
        path: Path of the data set.
        missing: Photos that the annotations name, but that do not exist.
        notes: Notes about what else was left out.

    Raises:
        InputError: There are no samples, or two have the same id.
    """
    lines = list(notes)
    if missing:
        first = f"{missing[0]}{', ...' if len(missing) > 1 else ''}"
        lines.append(f"{path}: left out photos of the annotations, {len(missing)}: no file {first}")
    if not samples:
        raise InputError("; ".join([f"{path}: no photos in this data set", *lines]))
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"{path}: duplicate photo {sample.id}")
        seen.add(sample.id)
    return Samples(samples, map(printable, lines))


def is_index(value: object) -> bool:
    """Return whether a value of an annotation is a class index: an integer that is not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_CLASSES


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
        try:
            ends = files.parse_index(first, "classes"), files.parse_index(last or first, "classes")
        except InputError as error:
            raise InputError(f"expected classes as 0-49,120, got {shorten(text, 80)!r}") from error
        classes.update(range(ends[0], ends[1] + 1))
    return frozenset(classes)


def filter_classes(samples: list[Sample], text: str) -> Samples:
    """Return the samples whose class is listed in a text like `0-49,120`; all for an empty one."""
    classes = parse_classes(text)
    notes = getattr(samples, "notes", ())
    return Samples((s for s in samples if not classes or s.target in classes), notes)
