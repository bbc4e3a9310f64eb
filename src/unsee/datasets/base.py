"""Interface of data sets, and the checks that they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.datasets._checks import Boxes, clip_boxes
from unsee.errors import InputError, as_input_error, printable
from unsee.images import reading
from unsee.images.framing import Photo
from unsee.storage import files

T = TypeVar("T")
Names = Mapping[int, tuple[str, ...]]
"""Names of classes by number: synonyms of each, or none."""
MAX_NAMES = 5
"""Classes that a note names."""


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

    def __init__(
        self,
        samples: Iterable[Sample] = (),
        notes: Iterable[str] = (),
        classes: Names | None = None,
        *,
        of_imagenet: bool = False,
    ) -> None:
        super().__init__(samples)
        self.notes = tuple(notes)
        self.classes = dict(classes or {})
        """All classes of the data set with their names; empty if its numbers are those of the
        classifier."""
        self.of_imagenet = of_imagenet
        """Whether the numbers are those of ImageNet's 1000 classes."""

    def part(self, samples: Iterable[Sample], notes: Iterable[str] = ()) -> "Samples":
        """Return some of the samples, with further notes, and with the same classes."""
        notes = (*self.notes, *notes)
        return Samples(samples, notes, self.classes, of_imagenet=self.of_imagenet)


class Dataset(ABC):
    """A layout of labelled photos; subclasses are frozen dataclasses of settings.

    `DATASET:PATH` names a data set; a path alone is opened by the first layout that recognises it.
    """

    argument: ClassVar[str] = "PATH"
    is_composed: ClassVar[bool] = False
    """Whether it is made of another data set, which its argument names."""
    loads_classifier: ClassVar[bool] = False
    """Whether it loads a classifier to choose or change photos. Reports load none and leave it
    closed."""

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the files at the path have this layout."""

    @abstractmethod
    def samples(self, path: Path) -> Samples:
        """Return all samples in a fixed order, without reading any photo.

        Photos that annotations name but that do not exist are left out and counted in a note. If a
        photo or an outline cannot be read, `Sample.photo` or `Sample.object_mask` raises an error.
        An evaluation reports the error for that photo and continues with the remaining photos.

        Raises:
            InputError: Annotations are missing or malformed, or no photo of them exists.
        """


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


def named(names: Iterable[str]) -> Names:
    """Return classes that are numbered from 0, with one name each."""
    return {number: (name,) for number, name in enumerate(names)}


def check_samples(
    samples: Sequence[Sample],
    path: Path,
    *,
    missing: Sequence[str] = (),
    notes: Iterable[str] = (),
    classes: Names | None = None,
    of_imagenet: bool = False,
) -> Samples:
    """Return the samples with their notes.

    Args:
        samples: The samples.
        path: Path of the data set.
        missing: Photos that the annotations name, but that do not exist.
        notes: Notes about what else was left out.
        classes: All classes of the data set with their names.
        of_imagenet: Whether classes have the numbers of ImageNet's.

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
    return Samples(samples, map(printable, lines), classes, of_imagenet=of_imagenet)


def parse_classes(text: str) -> frozenset[int]:
    """Return the class indices of a text like `0-49,120`; none for an empty text.

    Raises:
        InputError: The text has a part that is neither an index nor a range.
    """
    classes: set[int] = set()
    for part in filter(None, text.split(",")):
        first, dash, last = part.strip().partition("-")
        try:
            low = files.parse_index(first, "classes")
            high = files.parse_index(last, "classes") if dash else low
        except InputError as error:
            raise InputError(f"expected classes as 0-49,120, got {shorten(text, 80)!r}") from error
        if low > high:
            raise InputError(
                f"expected classes in rising order, as 0-49, got {shorten(text, 80)!r}"
            )
        classes.update(range(low, high + 1))
    return frozenset(classes)


def filter_classes(samples: list[Sample], text: str) -> Samples:
    """Return the samples whose class is listed in a text like `0-49,120`; all for an empty one.

    Classes have the numbers of the data set. A note names them where those of a classifier may
    differ.
    """
    classes = parse_classes(text)
    whole = samples if isinstance(samples, Samples) else Samples(samples)
    if not classes:
        return whole
    names = [
        f"{number} {names[0]}"
        for number, names in whole.classes.items()
        if number in classes and names and names[0] != str(number)
    ]
    more = ", ..." if len(names) > MAX_NAMES else ""
    note = f"classes {text} are counted as in the data set: {', '.join(names[:MAX_NAMES])}{more}"
    notes = [printable(note)] if names and not whole.of_imagenet else []
    return whole.part((s for s in whole if s.target in classes), notes)
