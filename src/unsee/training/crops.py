"""Crops of photos by number, with holes or without: what networks are trained on."""

from collections.abc import Iterator
from itertools import count

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from unsee.errors import InputError
from unsee.training import holes


class Crops(Dataset[tuple[Tensor, int]]):
    """The n-th crop is the same in every run and order: (3, size, size) in [0, 1], mirrored or not.

    With each comes the number of its photo. A crop covers a share between `least` and 1 of its
    photo's side.
    """

    def __init__(
        self,
        pictures: UInt8[Tensor, "n 3 s s"],
        size: int,
        seed: int,
        least: float = 0.7,
    ) -> None:
        if not 0 < least <= 1:
            raise InputError(f"expected 0 < least <= 1, got {least}")
        self.pictures, self.size, self.seed, self.least = pictures, size, seed, least

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, number: int) -> tuple[Float[Tensor, "3 s s"], int]:
        g = torch.Generator().manual_seed(self.seed * 7_919 + number)
        whole = self.pictures.shape[-1]
        which = int(torch.randint(len(self.pictures), (1,), generator=g))
        side = round(whole * (self.least + (1 - self.least) * torch.rand(1, generator=g).item()))
        top, left = torch.randint(whole - side + 1, (2,), generator=g).tolist()
        crop = self.pictures[which, :, top : top + side, left : left + side].float()[None] / 255
        if torch.rand(1, generator=g) < 0.5:
            crop = crop.flip(-1)
        if side != self.size:
            crop = F.interpolate(crop, (self.size, self.size), mode="bilinear", antialias=True)
        return crop[0].clamp(0, 1), which


class Holed(Crops):
    """Crops with a hole each, as a fourth channel: 1 is visible, 0 is missing."""

    def __getitem__(self, number: int) -> tuple[Float[Tensor, "4 size size"], int]:
        crop, which = super().__getitem__(number)
        g = torch.Generator().manual_seed(self.seed * 7_919 + number + 1_000_003)
        return torch.cat([crop, holes.draw(1, (self.size, self.size), g)[0]]), which


class Numbers(Sampler[int]):
    """Of the crops of a process: its share of every step, from a step on."""

    def __init__(self, step: int, batch: int, first: int, share: int) -> None:
        self.step, self.batch, self.first, self.share = step, batch, first, share

    def __iter__(self) -> Iterator[int]:
        for step in count(self.step):
            start = step * self.batch + self.first
            yield from range(start, start + self.share)


def middles(pictures: UInt8[Tensor, "n 3 s s"], size: int) -> Float[Tensor, "n 3 size size"]:
    """Whole pictures at the size of crops, in [0, 1]."""
    found = F.interpolate(pictures.float() / 255, (size, size), mode="bilinear", antialias=True)
    return found.clamp(0, 1)
