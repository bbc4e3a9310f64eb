"""Photos to train on: decoded once, kept in memory as squares of 8-bit pixels."""

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
from unsee.images import reading
from unsee.images.framing import Framing, Photo
from unsee.types import Targets


def squares(sources: Sequence[str | Path], side: int) -> UInt8[Tensor, "n 3 {side} {side}"]:
    """The middle of every photo in folders and zip files; what cannot be read is left out.

    Raises `InputError` where nothing can be read at all.
    """
    with ThreadPoolExecutor() as pool:
        found = [
            p for p in pool.map(lambda c: _square(c, side), _contents(sources)) if p is not None
        ]
    if not found:
        raise InputError(f"no readable photo in {', '.join(map(str, sources)) or 'nothing'}")
    return torch.stack(found)


class Labelled(NamedTuple):
    """Photos in memory, and their classes where they are known."""

    pictures: UInt8[Tensor, "n 3 s s"]
    targets: Targets | None

    def part(self, chosen: Bool[Tensor, " n"]) -> "Labelled":
        """Some of them."""
        targets = None if self.targets is None else self.targets[chosen]
        return Labelled(self.pictures[chosen], targets)


def gathered(sources: Sequence[str | Path], side: int, classes: str = "") -> Labelled:
    """Photos of labelled data sets, with their classes.

    Raises `InputError` where a class is missing, and for a single class.
    """
    pictures, targets = [], []
    for source in sources:
        for sample in filter_classes(load_data(str(source)), classes):
            if sample.target is None:
                raise InputError(f"{sample.id}: no class is labelled; take labels predicted")
            try:
                pictures.append(_middle(sample.photo(3), side))
            except InputError:
                continue
            targets.append(sample.target)
    if len(set(targets)) < 2:
        raise InputError(
            f"expected photos of at least two classes, got {len(pictures)} photos of "
            f"{len(set(targets))}"
        )
    return Labelled(torch.stack(pictures), torch.tensor(targets))


def _middle(photo: Photo, side: int) -> UInt8[Tensor, "3 {side} {side}"]:
    framing = Framing((side, side), share=1.0)
    return (framing.show(photo)[0] * 255).round().to(torch.uint8)


def _contents(sources: Sequence[str | Path]) -> Iterator[bytes]:
    for source in map(Path, sources):
        if source.suffix == ".zip":
            if not source.is_file():
                raise InputError(f"{source}: no such file")
            with zipfile.ZipFile(source) as archive:
                for name in sorted(archive.namelist()):
                    if Path(name).suffix.lower() in reading.SUFFIXES:
                        yield archive.read(name)
        else:
            for path in reading.find([str(source)]):
                yield path.read_bytes()


def _square(content: bytes, side: int) -> Tensor | None:
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
