"""Crops of photos by number, without holes: what mask networks are trained on."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from unsee.errors import InputError


class Crops(Dataset[Tensor]):
    """The n-th crop is the same in every run and order: (3, size, size) in [0, 1], mirrored or not.

    A crop covers a share between `least` and 1 of its photo's side.
    """

    def __init__(
        self,
        pictures: UInt8[Tensor, "n 3 s s"],
        size: int,
        seed: int,
        first: int = 0,
        least: float = 0.7,
    ) -> None:
        if not 0 < least <= 1:
            raise InputError(f"expected 0 < least <= 1, got {least}")
        self.pictures, self.size, self.seed, self.first = pictures, size, seed, first
        self.least = least

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, number: int) -> Float[Tensor, "3 s s"]:
        number += self.first
        g = torch.Generator().manual_seed(self.seed * 7_919 + number)
        count, whole = len(self.pictures), self.pictures.shape[-1]
        which = int(torch.randint(count, (1,), generator=g))
        side = round(whole * (self.least + (1 - self.least) * torch.rand(1, generator=g).item()))
        top, left = torch.randint(whole - side + 1, (2,), generator=g).tolist()
        crop = self.pictures[which, :, top : top + side, left : left + side].float()[None] / 255
        if torch.rand(1, generator=g) < 0.5:
            crop = crop.flip(-1)
        if side != self.size:
            crop = F.interpolate(crop, (self.size, self.size), mode="bilinear", antialias=True)
        return crop[0].clamp(0, 1)
