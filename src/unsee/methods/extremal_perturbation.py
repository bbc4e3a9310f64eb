"""Extremal perturbation: the mask of a given area that keeps the most, or takes the most away."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking.optimizers import Momentum, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._warm_start import Initializer, Ranking, top_region
from unsee.methods.base import MaskOptimizer, check_positive
from unsee.types import Keep, Losses, Saliency, Theta, Variants

__all__ = ["ExtremalPerturbation"]

SHARPNESS = 20.0
"""Of the smooth maximum (paper: temperature 1/20)."""
REACH = 1.2
"""How far a cell's bump is followed, in units of its width."""


@dataclass(frozen=True)
class ExtremalPerturbation(MaskOptimizer):
    """Extremal perturbations and smooth masks (Fong, Patrick & Vedaldi, ICCV 2019).

    For each area a, a mask m that maximises score(m) - weight mean((sort(m) - r_a)^2), where r_a
    is 1 on a share a of the pixels and 0 on the others. Masks are smooth: each cell is a bump, and
    bumps are joined by a smooth maximum. The map is the mean of the masks of all areas.

    The in-filler is blended in linearly (paper: a pyramid of blurs, indexed by the mask).
    """

    traits = replace(
        MaskOptimizer.traits, measure="logit", infiller=("blur", {"sigma": 20, "kernel": 0})
    )

    areas: tuple[float, ...] = (0.1,)
    """Shares of the image (paper: 0.025, 0.05, 0.1, 0.2), one mask for each."""
    mode: Literal["preserve", "delete"] = "preserve"
    """Keep the most with so much area, or destroy the most."""
    cell: int = 7
    """Side of a cell in pixels."""
    smoothness: float = 21.0
    """Width of a cell's bump in pixels: two standard deviations."""
    steps: int = 800
    """Optimisation steps."""
    rate: float = 0.01
    """Of gradient ascent with momentum 0.9."""
    weight: float = 300.0
    """Of the area constraint; it grows by `growth` each step."""
    growth: float = 1.0035
    """Factor of the constraint's weight per step."""
    flips: bool = True
    """Mirror the picture in every other step."""

    def __post_init__(self) -> None:
        if not isinstance(self.areas, tuple):
            raise InputError(f"extremal_perturbation: expected areas (a, ...), got {self.areas!r}")
        check_positive(
            "extremal_perturbation", steps=self.steps, cell=self.cell, rate=self.rate,
            smoothness=self.smoothness, areas=len(self.areas),
        )  # fmt: skip
        for area in self.areas:
            if not 0 < area < 1:
                raise InputError(f"extremal_perturbation: expected 0 < area < 1, got {area}")

    @property
    def passes(self) -> int:
        """A mask for each area."""
        return len(self.areas)

    @property
    def update_rule(self) -> Optimizer:
        """Gradient descent with momentum."""
        return Momentum(self.rate)

    def start(self, score: MaskedScore) -> Theta:
        """Half of everything, with cells beyond the border for the bumps that reach in."""
        size = score.images.shape[-2:]
        if self.cell > min(size):
            raise InputError(
                f"extremal_perturbation: expected a cell of at most {min(size)} pixels, "
                f"got {self.cell}"
            )
        cells = [-(-side // self.cell) + 2 * self._margin for side in size]
        return score.images.new_full((len(score.images), len(self.areas), 1, *cells), 0.5)

    @property
    def _margin(self) -> int:
        return -(-int(REACH * self.smoothness) // self.cell)

    @property
    def initializer(self) -> Initializer:
        """Rule that fills the mask of each area with that share of the top of a ranking."""
        return self._area_masks

    def _area_masks(self, theta: Theta, ranking: Ranking) -> Theta:
        margin = self._margin
        inner = (theta.shape[-2] - 2 * margin, theta.shape[-1] - 2 * margin)
        regions = torch.cat([top_region(ranking, inner, area) for area in self.areas], 1)
        return F.pad(regions.flatten(1, 2), (margin,) * 4, mode="replicate").view_as(theta)

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """What the mask's area costs, less what it brings."""
        keep = self._smooth(theta, score.images.shape[-2:])
        mirrored = self.flips and step % 2 == 1

        def mirror(variants: Variants, rows: RowIndex) -> Variants:
            return variants.flip(-1)

        shown = keep if self.mode == "preserve" else 1 - keep
        brought = score(shown, step=step, view=mirror if mirrored else None)
        ordered = keep.flatten(2).sort(2).values
        places = torch.linspace(0, 1, ordered.shape[2], device=keep.device)
        wanted = places >= 1 - keep.new_tensor(self.areas)[:, None]
        off = (ordered - wanted.to(keep)).square().mean(2)
        sign = -1 if self.mode == "preserve" else 1
        return (sign * brought + self.weight * self.growth**step * off).sum(1)

    def _smooth(self, theta: Keep, size: torch.Size) -> Float[Tensor, "b k 1 _h _w"]:
        """Join the bumps of the cells by a smooth maximum: sum(v e^(v/T)) / sum(e^(v/T))."""
        reach = range(-self._margin, self._margin + 1)
        rows, columns = (
            [
                _bump(side, self.cell, self._margin, self.smoothness, shift, theta.device)
                for shift in reach
            ]
            for side in size
        )

        def band(theta: Keep, y: Tensor, tall: Tensor) -> tuple[Tensor, Tensor]:
            strip = theta[..., y, :] * tall[:, None]
            values = [strip[..., x] * wide for x, wide in columns]
            weights = [(SHARPNESS * (value - 1)).exp() for value in values]
            pairs = zip(values, weights, strict=True)
            return sum((v * w for v, w in pairs), 0 * values[0]), sum(weights, 0 * values[0])

        parts = [checkpoint(band, theta, *row, use_reentrant=False) for row in rows]
        return sum(part[0] for part in parts) / sum(part[1] for part in parts)

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """The mean of the masks."""
        return self._smooth(theta, score.images.shape[-2:]).mean(1)[:, 0]


def _bump(
    length: int, cell: int, margin: int, width: float, shift: int, device: torch.device
) -> tuple[Int[Tensor, " n"], Float[Tensor, " n"]]:
    """For each pixel of a side, the cell `shift` cells away, and how far its bump reaches here."""
    pixel = torch.arange(length, device=device)
    home = pixel // cell + shift
    off = pixel - ((home + 0.5) * cell - 0.5)
    return home + margin, torch.exp(-2 * (off / width).square())
