"""Photos with a mark that determines the class."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.datasets import _marks
from unsee.datasets._halves import digest, photos_of, square_of
from unsee.datasets._marks import Mark
from unsee.datasets.base import Dataset, Sample, Samples, check_samples, named
from unsee.errors import InputError
from unsee.images.drawing import LUMA
from unsee.images.framing import Photo

__all__ = ["Planted"]

MAX_COUNT = 10_000
"""Number of pictures of the largest data set."""


@dataclass(frozen=True)
class Planted(Dataset):
    """Photos of another data set with marks: the kind of the mark is the class, the photo is not.

    Photo, class, place, size and colours are drawn independently. The mask and the boxes are those
    of the marks. Each picture also has signs that occur equally with every class: digits beside
    letters, other patterns beside patterns. Half of the photos are used; the classifier `planted`
    is trained on the other half. The argument is a path, or DATASET:PATH. Labels of the photos are
    ignored.
    """

    argument: ClassVar[str] = "DATA"
    is_composed: ClassVar[bool] = True

    mark: Mark = "letter"
    """Kind of the mark: a `letter`, a `patch` with a pattern, a `border` strip along one side, a
    blended region of `texture`; `either`: a letter twice, and one suffices; `both`: two letters,
    whose combination is the class."""
    count: int = 100
    """Number of pictures; photos are used again, with another mark, once all were used."""
    seed: int = 0
    """Seed of the order of the photos and of the marks."""
    side: int = 160
    """Height and width of the pictures in pixels."""

    def __post_init__(self) -> None:
        _marks.check_side(self.side)
        if not 1 <= self.count <= MAX_COUNT:
            raise InputError(f"planted: expected count from 1 to {MAX_COUNT:,}, got {self.count}")

    def recognises(self, path: Path) -> bool:
        """Return False: photos are not marked before they are asked to be."""
        return False

    def samples(self, path: Path) -> Samples:
        """Return `count` pictures; the first ones do not depend on `count`."""
        photos, notes = photos_of(str(path), "explained")
        photos.sort(key=lambda photo: digest(f"{self.seed}/{photo.id}"))
        samples = [
            self._sample(photos[number % len(photos)], 1 + number // len(photos))
            for number in range(self.count)
        ]
        return check_samples(
            samples, path, notes=notes, classes=named(_marks.class_names(self.mark))
        )

    def _sample(self, photo: Sample, repetition: int) -> Sample:
        random = Random(digest(f"{self.seed}/{self.mark}/{repetition}/{photo.id}"))
        layout = _marks.arrange(self.mark, random, self.side)
        return Sample(
            f"{photo.id}, {self.mark} {repetition}",
            MarkedPhoto(photo, layout, self.side),
            layout.label,
            _marks.boxes_of(layout.marks),
            size=(self.side, self.side),
            outline=MarkMask(layout, self.side),
        )


@dataclass(frozen=True)
class MarkedPhoto:
    """Reads a photo and draws the signs of a layout over it."""

    photo: Sample
    layout: _marks.Layout
    side: int

    def __call__(self, channels: int) -> Photo:
        """Return the picture with 1 or 3 channels, in 8-bit steps."""
        if channels not in (1, 3):
            raise InputError(f"expected 1 or 3 channels, got {channels}")
        square = square_of(self.photo, self.side)
        picture = _marks.draw(square, (*self.layout.decoys, *self.layout.marks))
        if channels == 1:
            picture = (picture * torch.tensor(LUMA).view(3, 1, 1)).sum(0, keepdim=True)
        return (picture * 255).round() / 255


@dataclass(frozen=True)
class MarkMask:
    """Draws the mask of the marks of a layout."""

    layout: _marks.Layout
    side: int

    def __call__(self) -> Bool[Tensor, "height width"]:
        """Return the mask of all marks."""
        return _marks.mask_of(self.layout.marks, self.side)
