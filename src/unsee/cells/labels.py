"""A label map: segments from a file, such as those of Segment Anything."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.cells.base import Cells, Labels, ShownPhoto
from unsee.errors import InputError
from unsee.images import reading
from unsee.storage import files
from unsee.storage.arrays import read_array
from unsee.types import Size

__all__ = ["LabelMap"]

MAX_PIXELS = 2**25
"""Number of pixels of the largest label map."""


@dataclass(frozen=True)
class LabelMap(Cells):
    """Segments of a file: a picture or a .npy file in which each segment has a number of its own.

    `labels:PATH` names it. Every number is a segment: also 0, negative ones, and those of pixels
    that belong to no object. The parts of a segment need not touch. In a picture, each grey value
    or colour is a number; lossy formats change colours. A label map has the size of the photo,
    whose framing is applied to it by nearest neighbour, or that of the classifier's input.
    """

    argument: ClassVar[str] = "PATH"
    of_file: ClassVar[bool] = True

    path: str = ""
    """Path of the file."""

    def check(self) -> None:
        """Check that there is a label map that can be read."""
        super().check()
        if not self.path:
            raise InputError("labels: expected the path of a label map, labels:PATH")
        read_labels(self.path)

    def segment(self, photo: ShownPhoto) -> Labels:
        """Return the number of each pixel, at the size of the classifier's input.

        Raises:
            InputError: The file cannot be read, or has another size.
        """
        labels = torch.from_numpy(read_labels(self.path))
        if photo.size is not None and _matches(labels.shape, photo.size):
            return photo.framing.labels(labels)
        if tuple(labels.shape) == photo.shape:
            return labels
        rows, columns = labels.shape
        sizes = dict.fromkeys((photo.size or photo.shape, photo.shape))
        expected = " or ".join(f"{width} x {height}" for height, width in sizes)
        raise InputError(
            f"{self.path}: expected a label map of {expected} pixels, the size of the photo or of "
            f"the classifier's input, got {columns} x {rows}"
        )


def _matches(shape: torch.Size, photo: Size) -> bool:
    """Return whether a label map is as large as a photo, or as one that was read at half size."""
    if tuple(shape) == photo:
        return True
    reduced = reading.may_be_reduced(*photo)
    return reduced and all(-(-side // 2) == half for side, half in zip(shape, photo, strict=True))


def read_labels(path: str | Path) -> NDArray[np.int64]:
    """Read a label map (h, w), with the numbers of its segments from 0 in their order.

    Raises:
        InputError: The file cannot be read, or does not hold whole numbers in two dimensions.
    """
    path = files.check_file(path, "label map")
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, modified: int, size: int) -> NDArray[np.int64]:
    """Read a label map; a run reads the same one for each photo."""
    array = read_array(path) if path.suffix.lower() == ".npy" else reading.read_numbers(path)
    if array.dtype.kind not in "iub" or array.ndim != 2 or not array.size:
        raise InputError(
            f"{path}: expected whole numbers (height, width), one for each pixel, got "
            f"{array.dtype} of shape {array.shape}"
        )
    if array.size > MAX_PIXELS:
        raise InputError(f"{path}: {array.size:,} pixels are more than the {MAX_PIXELS:,} allowed")
    _, inverse = np.unique(array, return_inverse=True)
    return inverse.reshape(array.shape).astype(np.int64)
