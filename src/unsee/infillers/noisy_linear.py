"""Noisy linear imputation: every missing pixel is the mean of its neighbours, plus noise."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep

__all__ = ["NoisyLinear"]

WEIGHTS = ((1 / 12, 1 / 6, 1 / 12), (1 / 6, 0.0, 1 / 6), (1 / 12, 1 / 6, 1 / 12))
"""Of the eight neighbours, direct ones twice the diagonal ones."""


@dataclass(frozen=True)
class NoisyLinear(Infiller):
    """ROAD's imputation (Rong et al., ICML 2022): weighted mean of eight neighbours, plus noise.

    The linear system of all missing pixels is solved by conjugate gradients for the whole batch at
    once, on whatever device; each picture stops by itself, so that it does not feel its batch.
    """

    noise: float = 0.01
    """Standard deviation of the noise on missing pixels."""
    steps: int = 400
    """Iterations at most."""
    tolerance: float = 1e-3
    """Largest residue, relative to the first, at which a picture is done."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.noise < 0 or self.tolerance <= 0:
            raise InputError("expected steps >= 1, noise >= 0 and tolerance > 0")

    def bind(self, scene: ImageBatch) -> Fill:
        """The noise is drawn once for each image."""
        shape = scene.images.shape[1:]
        noise = self.noise * scene.random.normal(0, *shape, stream="noisy_linear")
        neutral = scene.neutral.view(1, -1, 1, 1)

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            known = torch.where(keep > 0.5, scene.images[rows.image], neutral)
            some = keep.flatten(1).amax(1).view(-1, 1, 1, 1) > 0.5
            solved = torch.where(some, self._solve(known, (keep < 0.5).to(known)), neutral)
            return torch.where(keep > 0.5, known, (solved + noise[rows.image]).clamp(0, 1))

        return fill

    def _solve(
        self, known: Float[Tensor, "n c h w"], hole: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n c h w"]:
        """Conjugate gradients on (D - A) x = A known, with x on the holes alone."""
        degree = _neighbours(torch.ones_like(hole))
        x = _coarse(known, hole) * hole
        residue = hole * (_neighbours(known * (1 - hole)) - degree * x + _neighbours(x))
        direction, size = residue / degree, _inner(residue, residue / degree)
        first = _inner(*[hole * _neighbours(known * (1 - hole))] * 2).clamp(min=1e-12)
        for _ in range(self.steps):
            going = (size > self.tolerance**2 * first).to(x)
            if not going.any():
                break
            image = hole * (degree * direction - _neighbours(direction))
            length = going * size / _inner(direction, image).clamp(min=1e-20)
            x, residue = x + length * direction, residue - length * image
            new = _inner(residue, residue / degree)
            direction = torch.where(
                going > 0, residue / degree + new / size.clamp(min=1e-20) * direction, direction
            )
            size = torch.where(going > 0, new, size)
        return x


def _inner(a: Tensor, b: Tensor) -> Float[Tensor, "n 1 1 1"]:
    return (a * b).sum((1, 2, 3), keepdim=True)


def _neighbours(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """The weighted sum of the neighbours; there are none beyond the border."""
    channels = x.shape[1]
    kernel = x.new_tensor(WEIGHTS).expand(channels, 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=channels)


def _coarse(known: Float[Tensor, "n c h w"], hole: Float[Tensor, "n 1 h w"]) -> Tensor:
    """A first guess: means of what is known in ever larger squares, the smallest that has some."""
    keep, guess = 1 - hole, known * (1 - hole)
    levels = [(guess, keep)]
    while min(levels[-1][0].shape[-2:]) > 1:
        color, weight = (F.avg_pool2d(v, 2, ceil_mode=True) for v in levels[-1])
        levels.append((color, weight))
    color, weight = levels[-1]
    found = color.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp(min=1e-9)
    for color, weight in reversed(levels):
        wide = F.interpolate(found, color.shape[-2:], mode="bilinear")
        found = torch.where(weight > 0, color / weight.clamp(min=1e-9), wide)
    return found
