"""Fashion-MNIST."""

import gzip
import io
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.datasets.base import Dataset, Sample, Samples, check_samples, named
from unsee.errors import InputError, as_input_error
from unsee.images.framing import Photo
from unsee.storage import files

__all__ = ["FashionMNIST"]

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
PREFIXES = {"test": "t10k", "train": "train"}
"""Beginning of the names of a split's files."""
MAX_BYTES = 2**28
"""Size of the largest file, decompressed: 256 MiB."""
UNSIGNED_BYTE = 8
"""Type of the values, as IDX numbers it."""


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
        return files.is_folder(path) and _find(path, name) is not None

    def samples(self, path: Path) -> Samples:
        """Return the samples in the order of the files."""
        prefix = PREFIXES[self.split]
        pictures = _read(path, f"{prefix}-images-idx3-ubyte", 3)
        labels = _read(path, f"{prefix}-labels-idx1-ubyte", 1)
        if len(pictures) != len(labels):
            raise InputError(f"{path}: {len(pictures)} pictures and {len(labels)} labels")
        samples = [
            Sample(f"{self.split}-{number:05d}", _Picture(pictures[number]), int(label))
            for number, label in enumerate(labels)
        ]
        return check_samples(samples, path, classes=named(CLASSES))


@dataclass(frozen=True, eq=False)
class _Picture:
    """A grey picture in memory; called to read it."""

    pixels: NDArray[np.uint8]

    def __call__(self, channels: int) -> Photo:
        grey = torch.from_numpy(self.pixels.astype(np.float32) / 255)
        return grey.expand(channels, -1, -1).contiguous()


def _find(path: Path, name: str) -> Path | None:
    candidates = (path / name, path / f"{name}.gz")
    return next((file for file in candidates if files.is_file(file)), None)


def _read(path: Path, name: str, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file: two zeros, a type, the number of axes, their lengths, then bytes."""
    file = _find(path, name)
    if file is None:
        raise InputError(f"expected {name} or {name}.gz in {path}")
    with as_input_error(f"{file} is not an IDX file, or is damaged"):
        content = _content(file)
        if content[:4] != bytes([0, 0, UNSIGNED_BYTE, axes]):
            raise ValueError(f"expected bytes with {axes} axes, got {content[:4].hex()}")
        shape = struct.unpack_from(f">{axes}I", content, 4)
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
        if 0 in shape[1:]:
            raise ValueError(f"expected pictures with pixels, got a size of {shape[1:]}")
        return values[: math.prod(shape)].reshape(shape)


def _content(file: Path) -> bytes:
    """Return the content of a file, decompressed if it is gzipped, if it has at most MAX_BYTES."""
    content = files.read_bytes(file, MAX_BYTES)
    if file.suffix == ".gz":
        content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(f"{file}: more than the {MAX_BYTES:,} bytes allowed")
    return content
