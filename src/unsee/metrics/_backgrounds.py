"""Backgrounds of the published deletion and insertion curves."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.images.filters import convolve, gaussian_blur
from unsee.infillers.base import Fill, ImageBatch, Infiller

Direction = Literal["deletion", "insertion"]
"""Whether pixels are removed or shown."""


@dataclass(frozen=True)
class RiseBackground(Infiller):
    """Backgrounds of RISE: the neutral colour for deletion, a light blur for insertion.

    The neutral colour is the mean of the data, which is zero after normalisation. The blur is a
    convolution of the normalised image, zero-padded, with `rise_kernel` in both directions.

    Reference: Petsiuk et al., 2018, RISE: randomized input sampling for explanation of black-box
    models, BMVC, https://arxiv.org/abs/1806.07421, and its published code.
    """

    direction: Direction
    """Which of the two backgrounds."""

    def bind(self, scene: ImageBatch) -> Fill:
        """Compute the background once; it does not depend on the mask."""
        neutral = scene.neutral.view(-1, 1, 1)
        background = neutral.expand_as(scene.images)
        if self.direction == "insertion":
            background = convolve(scene.images - neutral, rise_kernel(), border="zero") + neutral
        return lambda keep, rows: rows.of(background)


@dataclass(frozen=True)
class IgosBackground(Infiller):
    """Background of iGOS++ for both directions: a strong blur of the image.

    A Gaussian of 51 x 51 pixels and sigma 50, rounded to 8 bits as OpenCV rounds it.

    Reference: Khorram et al., 2021, iGOS++: integrated gradient optimized saliency by bilateral
    perturbations, CHIL, https://arxiv.org/abs/2012.15783, and its published code.
    """

    direction: Direction
    """Not used: both directions have the same background."""

    def bind(self, scene: ImageBatch) -> Fill:
        """Blur once; the background does not depend on the mask."""
        background = (gaussian_blur(scene.images, 50, 51) * 255).round() / 255
        return lambda keep, rows: rows.of(background)


def rise_kernel() -> Float[Tensor, " 11"]:
    """Return the 11 weights of RISE's blur along one axis; they sum to 1.

    RISE's code filters a single bright pixel on an 11 x 11 canvas with a Gaussian of sigma 5 whose
    borders reflect. So the weights are a Gaussian folded back into 11 pixels at both ends.
    """
    offsets = torch.arange(-20, 21)
    weights = torch.exp(-0.5 * (offsets / 5).square())
    folded = (offsets + 5).remainder(22)
    folded = torch.where(folded < 11, folded, 21 - folded)
    return torch.zeros(11).index_add_(0, folded, weights / weights.sum())
