"""Extremal perturbation: the smooth mask of a fixed area that preserves or deletes the most."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking.optimizers import Momentum, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_positive
from unsee.methods._ranking_network import Ranking
from unsee.methods._warm_start import Initializer, top_region
from unsee.methods.base import MaskOptimizer
from unsee.types import Keep, Losses, Saliency, Theta, Variants

__all__ = ["ExtremalPerturbation"]

SHARPNESS = 20.0
"""Inverse temperature of the smooth maximum (paper: temperature 1/20)."""
BUMP_RADIUS = 1.2
"""Distance at which the bump of a cell is cut off, in units of its width `smoothness`."""

TIE = 1e-4
"""Range of the values of a mask below which they count as equal: pixels would then be ranked by
their place."""


@dataclass(frozen=True)
class ExtremalPerturbation(MaskOptimizer):
    """Optimise a smooth mask of fixed area (Fong, Patrick & Vedaldi, ICCV 2019).

    For each area a, the method maximises over a mask m

        score(m) - weight growth^step mean((sort(m) - r_a)^2),

    where r_a is 1 on a share a of the pixels and 0 on the others. In mode `delete` the first term
    is -score(1 - m). Masks are smooth: each cell is a Gaussian bump, and the bumps v of a pixel
    are combined by the smooth maximum sum(v e^(v / T)) / sum(e^(v / T)). The map is the mean of
    the masks of all areas.

    Reference: R. Fong, M. Patrick, A. Vedaldi, "Understanding Deep Networks via Extremal
    Perturbations and Smooth Masks", ICCV 2019, https://arxiv.org/abs/1910.08485.

    Departures from the paper:
        - Image and background are blended linearly; the paper indexes a pyramid of blurs by the
          mask.
        - A mask whose values are all equal has no area constraint: it would reward the last pixels
          of the image.
        - The default is one area, 0.1; the paper's four areas are the recipe
          `extremal_perturbation`.
    """

    libraries: ClassVar[tuple[str, ...]] = ("torch._dynamo",)  # the checkpoints import it

    traits = replace(
        MaskOptimizer.traits, measure="logit", infiller=("blur", {"sigma": 20, "kernel": 0})
    )

    areas: tuple[float, ...] = (0.1,)
    """Areas of the masks as shares of the image, one mask for each (paper: 0.025, 0.05, 0.1,
    0.2)."""
    mode: Literal["preserve", "delete"] = "preserve"
    """Preserve the highest score with the area, or delete it for the lowest score."""
    cell: int = 7
    """Side of a cell of the mask in pixels."""
    smoothness: float = 21.0
    """Width of the bump of a cell in pixels, two standard deviations."""
    steps: int = 800
    """Number of optimisation steps."""
    rate: float = 0.01
    """Rate of gradient ascent with momentum 0.9."""
    weight: float = 300.0
    """Weight of the area constraint before the first step."""
    growth: float = 1.0035
    """Factor by which the weight of the area constraint grows in each step."""
    flips: bool = True
    """Whether the perturbed image is mirrored in every other step."""

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
        """Number of passes of one step: one for each area."""
        return len(self.areas)

    @property
    def update_rule(self) -> Optimizer:
        """Gradient descent with momentum 0.9."""
        return Momentum(self.rate)

    def start(self, score: MaskedScore) -> Theta:
        """Return masks of 1/2, with a margin of cells whose bumps reach into the image."""
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
        """Number of cells beyond each border of the image."""
        return -(-int(BUMP_RADIUS * self.smoothness) // self.cell)

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
        """Return the signed scores plus the weighted area constraint, summed over the areas."""
        keep = self._smooth(theta, score.images.shape[-2:])
        mirrored = self.flips and step % 2 == 1

        def mirror(variants: Variants, rows: RowIndex) -> Variants:
            return variants.flip(-1)

        perturbed = keep if self.mode == "preserve" else 1 - keep
        scores = score(perturbed, step=step, view=mirror if mirrored else None)
        ordered = keep.flatten(2).sort(2).values
        quantile = torch.linspace(0, 1, ordered.shape[2], device=keep.device)
        reference = quantile >= 1 - keep.new_tensor(self.areas)[:, None]
        deviation = (ordered - reference.to(keep)).square().mean(2)
        deviation = deviation * (ordered[..., -1] - ordered[..., 0] > TIE)
        sign = -1 if self.mode == "preserve" else 1
        return (sign * scores + self.weight * self.growth**step * deviation).sum(1)

    def _smooth(self, theta: Keep, size: torch.Size) -> Float[Tensor, "b k 1 _h _w"]:
        """Combine the bumps of the cells by a smooth maximum, at the size of the image."""
        shifts = range(-self._margin, self._margin + 1)
        rows, columns = (
            [
                _bump(side, self.cell, self._margin, self.smoothness, shift, theta.device)
                for shift in shifts
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
        """Return the mean of the masks."""
        return self._smooth(theta, score.images.shape[-2:]).mean(1)[:, 0]


def _bump(
    length: int, cell: int, margin: int, width: float, shift: int, device: torch.device
) -> tuple[Int[Tensor, " n"], Float[Tensor, " n"]]:
    """Return the cell `shift` cells away from each pixel of a side, and the value of its bump."""
    pixel = torch.arange(length, device=device)
    index = pixel // cell + shift
    distance = pixel - ((index + 0.5) * cell - 0.5)
    return index + margin, torch.exp(-2 * (distance / width).square())
