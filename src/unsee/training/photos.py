"""Photos to train on: decoded once, kept in memory as squares of 8-bit pixels."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from unsee import loading, photos
from unsee.datasets.base import of_classes
from unsee.errors import InputError
from unsee.framing import Framing, Photo
from unsee.training import holes
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

    def part(self, chosen: slice) -> "Labelled":
        """Some of them."""
        targets = None if self.targets is None else self.targets[chosen]
        return Labelled(self.pictures[chosen], targets)


def gathered(
    sources: Sequence[str | Path], side: int, *, labelled: bool, classes: str = ""
) -> Labelled:
    """Photos of folders and zip files, or of labelled data sets with their classes.

    Raises `InputError` where nothing can be read, where a class is missing, and for a single class.
    """
    if classes and not labelled:
        raise InputError("expected labels data where classes are chosen")
    if not labelled:
        return Labelled(squares(sources, side), None)
    pictures, targets = [], []
    for source in sources:
        for sample in of_classes(loading.load_data(str(source)), classes):
            if sample.target is None:
                raise InputError(f"{sample.id}: no class is labelled; take labels predicted")
            try:
                pictures.append(_middle(sample.read(3), side))
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
                    if Path(name).suffix.lower() in photos.SUFFIXES:
                        yield archive.read(name)
        else:
            for path in photos.find([str(source)]):
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


class Holed(Dataset[tuple[Tensor, Tensor]]):
    """Crops and their holes by number: the n-th sample is the same in every run and order.

    A sample is a crop (3, size, size) in [0, 1], mirrored or not, and keep (1, size, size).
    """

    def __init__(
        self, pictures: UInt8[Tensor, "n 3 s s"], size: int, seed: int, first: int
    ) -> None:
        if size > pictures.shape[-1]:
            raise InputError(f"expected crops of at most {pictures.shape[-1]} pixels, got {size}")
        self.pictures, self.size, self.seed, self.first = pictures, size, seed, first
        self._last = (-1, torch.empty(0))

    def _order(self, epoch: int) -> Tensor:
        """A permutation of the photos, made once in each epoch."""
        if self._last[0] != epoch:
            g = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._last = epoch, torch.randperm(len(self.pictures), generator=g)
        return self._last[1]

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, number: int) -> tuple[Float[Tensor, "3 s s"], Float[Tensor, "1 s s"]]:
        number += self.first
        count, largest = len(self.pictures), self.pictures.shape[-1]
        which = int(self._order(number // count)[number % count])
        g = torch.Generator().manual_seed(self.seed * 7_919 + number)
        side = int(torch.randint(self.size, largest + 1, (1,), generator=g))
        top, left = torch.randint(largest - side + 1, (2,), generator=g).tolist()
        crop = self.pictures[which, :, top : top + side, left : left + side].float()[None] / 255
        if side != self.size:
            crop = F.interpolate(crop, (self.size,) * 2, mode="bilinear", antialias=True)
        if torch.rand(1, generator=g) < 0.5:
            crop = crop.flip(-1)
        return crop[0].clamp(0, 1), holes.draw(1, (self.size, self.size), g)[0]
