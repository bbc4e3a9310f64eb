"""Fashion-MNIST."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.datasets.base import Dataset, Sample, unique
from unsee.errors import InputError
from unsee.images.framing import Photo

__all__ = ["FashionMNIST"]

FILES = {"test": "t10k", "train": "train"}


@dataclass(frozen=True)
class FashionMNIST(Dataset):
    """The four IDX files, packed or not (Xiao et al. 2017; Debian: dataset-fashion-mnist)."""

    split: Literal["test", "train"] = "test"
    """10 000 or 60 000 pictures of 28 x 28 pixels."""

    def recognises(self, path: Path) -> bool:
        """Whether the split's pictures are there."""
        return path.is_dir() and _find(path, f"{FILES[self.split]}-images-idx3-ubyte") is not None

    def samples(self, path: Path) -> list[Sample]:
        """In the order of the file."""
        stem = FILES[self.split]
        pictures, labels = (
            _read(path, f"{stem}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")
        )
        if len(pictures) != len(labels):
            raise InputError(f"{path}: {len(pictures)} pictures and {len(labels)} labels")

        def reader(number: int) -> "_Picture":
            return _Picture(pictures[number])

        found = [
            Sample(f"{self.split}-{number:05d}", reader(number), int(label))
            for number, label in enumerate(labels)
        ]
        return unique(found, path)


@dataclass(frozen=True, eq=False)
class _Picture:
    """A grey picture in memory."""

    pixels: NDArray[np.uint8]

    def __call__(self, channels: int) -> Photo:
        grey = torch.from_numpy(self.pixels.astype(np.float32) / 255)
        return grey.expand(channels, -1, -1).contiguous()


def _find(path: Path, name: str) -> Path | None:
    places = (path / name, path / f"{name}.gz")
    return next((place for place in places if place.is_file()), None)


def _read(path: Path, name: str) -> NDArray[np.uint8]:
    """An IDX file: how many axes, their lengths, then bytes."""
    place = _find(path, name)
    if place is None:
        raise InputError(f"expected {name} or {name}.gz in {path}")
    try:
        content = place.read_bytes()
        content = gzip.decompress(content) if place.suffix == ".gz" else content
        axes = content[3]
        shape = np.frombuffer(content, ">i4", axes, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise InputError(f"{place} is no IDX file, or damaged: {error}") from error
