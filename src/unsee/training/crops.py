"""Random crops of photos, with or without holes, as a PyTorch data set."""

from collections.abc import Iterator
from itertools import count

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from unsee.errors import InputError
from unsee.training import holes

SEED_STRIDE = 7_919
"""Distance between the generator seeds of crop 0 for consecutive training seeds."""
HOLE_SEED_OFFSET = 1_000_003
"""Distance between the generator seed of a crop and that of its hole."""


class Crops(Dataset[tuple[Tensor, int]]):
    """An endless data set of random crops (3, size, size) in [0, 1], half of them mirrored.

    Crop n depends on the seed and on n alone, not on the order of access. Each item is the crop and
    the index of its photo.

    Args:
        pictures: Photos as 8-bit squares.
        size: Side of the crops in pixels.
        seed: Seed of the crops.
        min_side: Smallest side of a crop, as a share of its photo's side, before it is resized.
    """

    def __init__(
        self,
        pictures: UInt8[Tensor, "n 3 s s"],
        size: int,
        seed: int,
        min_side: float = 0.7,
    ) -> None:
        if not 0 < min_side <= 1:
            raise InputError(f"expected 0 < min_side <= 1, got {min_side}")
        self.pictures, self.size, self.seed, self.min_side = pictures, size, seed, min_side

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, number: int) -> tuple[Float[Tensor, "3 s s"], int]:
        g = torch.Generator().manual_seed(self.seed * SEED_STRIDE + number)
        whole = self.pictures.shape[-1]
        photo = int(torch.randint(len(self.pictures), (1,), generator=g))
        share = self.min_side + (1 - self.min_side) * torch.rand(1, generator=g).item()
        side = round(whole * share)
        top, left = torch.randint(whole - side + 1, (2,), generator=g).tolist()
        crop = self.pictures[photo, :, top : top + side, left : left + side].float()[None] / 255
        if torch.rand(1, generator=g) < 0.5:
            crop = crop.flip(-1)
        if side != self.size:
            crop = F.interpolate(crop, (self.size, self.size), mode="bilinear", antialias=True)
        return crop[0].clamp(0, 1), photo


class CropsWithHoles(Crops):
    """Crops with a hole mask each, as a fourth channel: 1 is visible, 0 is missing."""

    def __getitem__(self, number: int) -> tuple[Float[Tensor, "4 size size"], int]:
        crop, photo = super().__getitem__(number)
        g = torch.Generator().manual_seed(self.seed * SEED_STRIDE + number + HOLE_SEED_OFFSET)
        return torch.cat([crop, holes.draw(1, (self.size, self.size), g)[0]]), photo


class StepSampler(Sampler[int]):
    """The crop numbers of one process: its part of each step's batch, without end.

    Args:
        step: The step to start from.
        batch: Number of crops per step, summed over all processes.
        first: Index, within the step, of the first crop of this process.
        share: Number of crops per step of this process.
    """

    def __init__(self, step: int, batch: int, first: int, share: int) -> None:
        self.step, self.batch, self.first, self.share = step, batch, first, share

    def __iter__(self) -> Iterator[int]:
        for step in count(self.step):
            start = step * self.batch + self.first
            yield from range(start, start + self.share)


def resize_whole(
    pictures: UInt8[Tensor, "n 3 s s"], size: int
) -> Float[Tensor, "n 3 {size} {size}"]:
    """Resize whole photos to the size of the crops, as floats in [0, 1]."""
    resized = F.interpolate(pictures.float() / 255, (size, size), mode="bilinear", antialias=True)
    return resized.clamp(0, 1)
