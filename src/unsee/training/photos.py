"""Training photos: decoded once and held in memory as 8-bit squares."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, UInt8
from PIL import Image
from torch import Tensor

from unsee.datasets._loading import load_data
from unsee.datasets.base import filter_classes
from unsee.errors import InputError
from unsee.images import finding
from unsee.images.framing import Framing, Photo
from unsee.types import Targets

MIN_CLASSES = 2
"""Smallest number of classes that a training can use."""


class PhotoSet(NamedTuple):
    """Photos in memory, with their classes where the data are labelled."""

    pictures: UInt8[Tensor, "n 3 s s"]
    targets: Targets | None

    def select(self, mask: Bool[Tensor, " n"]) -> "PhotoSet":
        """Return the photos where `mask` is true."""
        targets = None if self.targets is None else self.targets[mask]
        return PhotoSet(self.pictures[mask], targets)


def load_squares(sources: Sequence[str | Path], side: int) -> UInt8[Tensor, "n 3 {side} {side}"]:
    """Load the central square of every photo in folders and zip files, without labels.

    Unreadable photos are skipped.

    Raises:
        InputError: If no photo can be read, or a source does not exist.
    """
    with ThreadPoolExecutor() as pool:
        squares = pool.map(lambda content: _central_square(content, side), _contents(sources))
        pictures = [picture for picture in squares if picture is not None]
    if not pictures:
        raise InputError(f"no readable photo in {', '.join(map(str, sources)) or 'an empty list'}")
    return torch.stack(pictures)


def load_labelled(sources: Sequence[str | Path], side: int, classes: str | None = None) -> PhotoSet:
    """Load the central square of every photo in labelled data sets, with its class.

    Unreadable photos are skipped.

    Args:
        sources: Data sets as `unsee evaluate` takes them.
        side: Side of the squares in pixels.
        classes: Classes to load, e.g. "0-49,120"; None loads all.

    Raises:
        InputError: If a photo has no label, or fewer than two classes remain.
    """
    pictures, targets = [], []
    for source in sources:
        for sample in filter_classes(load_data(str(source)), classes or ""):
            if sample.target is None:
                raise InputError(f"{sample.id} has no label; use --labels predicted")
            try:
                pictures.append(_framed_square(sample.photo(3), side))
            except InputError:
                continue
            targets.append(sample.target)
    check_classes(len(pictures), len(set(targets)))
    return PhotoSet(torch.stack(pictures), torch.tensor(targets))


def check_classes(photos: int, classes: int) -> None:
    """Raise `InputError` if the photos are of fewer than two classes."""
    if classes < MIN_CLASSES:
        raise InputError(
            f"expected photos of at least two classes, got {photos} photos of {classes}"
        )


def _framed_square(photo: Photo, side: int) -> UInt8[Tensor, "3 {side} {side}"]:
    framing = Framing((side, side), share=1.0)
    return (framing.show(photo)[0] * 255).round().to(torch.uint8)


def _contents(sources: Sequence[str | Path]) -> Iterator[bytes]:
    """Yield the bytes of every photo file."""
    for source in map(Path, sources):
        if source.suffix == ".zip":
            if not source.is_file():
                raise InputError(f"{source}: no such file")
            with zipfile.ZipFile(source) as archive:
                for name in sorted(archive.namelist()):
                    if Path(name).suffix.lower() in finding.SUFFIXES:
                        yield archive.read(name)
        else:
            for path in finding.find([str(source)]):
                yield path.read_bytes()


def _central_square(content: bytes, side: int) -> Tensor | None:
    """Decode a photo and resize its central square; None if it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    short = min(picture.size)
    left, top = ((length - short) // 2 for length in picture.size)
    box = (left, top, left + short, top + short)
    small = picture.resize((side, side), Image.Resampling.BICUBIC, box)
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return pixels.view(side, side, 3).permute(2, 0, 1).contiguous()
