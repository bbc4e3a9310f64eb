"""Fashion-MNIST."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.datasets.base import Dataset, Sample, check_samples
from unsee.errors import InputError
from unsee.images.framing import Photo

__all__ = ["FashionMNIST"]

PREFIXES = {"test": "t10k", "train": "train"}
"""Beginning of the names of a split's files."""


@dataclass(frozen=True)
class FashionMNIST(Dataset):
    """Fashion-MNIST: its four IDX files, gzipped or not (Debian: dataset-fashion-mnist).

    Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
    Learning Algorithms", 2017, https://arxiv.org/abs/1708.07747.
    """

    split: Literal["test", "train"] = "test"
    """Split: `test` has 10 000 and `train` 60 000 pictures of 28 x 28 pixels."""

    def recognises(self, path: Path) -> bool:
        """Return whether the file of the split's pictures exists."""
        name = f"{PREFIXES[self.split]}-images-idx3-ubyte"
        return path.is_dir() and _find(path, name) is not None

    def samples(self, path: Path) -> list[Sample]:
        """Return the samples in the order of the files."""
        prefix = PREFIXES[self.split]
        pictures, labels = (
            _read(path, f"{prefix}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")
        )
        if len(pictures) != len(labels):
            raise InputError(f"{path}: {len(pictures)} pictures and {len(labels)} labels")
        samples = [
            Sample(f"{self.split}-{number:05d}", _Picture(pictures[number]), int(label))
            for number, label in enumerate(labels)
        ]
        return check_samples(samples, path)


@dataclass(frozen=True, eq=False)
class _Picture:
    """A grey picture in memory; called to read it."""

    pixels: NDArray[np.uint8]

    def __call__(self, channels: int) -> Photo:
        grey = torch.from_numpy(self.pixels.astype(np.float32) / 255)
        return grey.expand(channels, -1, -1).contiguous()


def _find(path: Path, name: str) -> Path | None:
    files = (path / name, path / f"{name}.gz")
    return next((file for file in files if file.is_file()), None)


def _read(path: Path, name: str) -> NDArray[np.uint8]:
    """Read an IDX file: the number of axes, their lengths, then bytes."""
    file = _find(path, name)
    if file is None:
        raise InputError(f"expected {name} or {name}.gz in {path}")
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
        axes = content[3]
        shape = np.frombuffer(content, ">i4", axes, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise InputError(f"{file} is not an IDX file, or is damaged: {error}") from error
