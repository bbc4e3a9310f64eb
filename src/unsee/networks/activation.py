"""A class activation map: what a classifier's last layer makes of its coarsest feature maps."""

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.networks.narrow import on_grid


def activation_map(
    coarsest: Float[Tensor, "n d h w"], rows: Float[Tensor, "n d"], side: int
) -> Float[Tensor, "n 1 {side} {side}"]:
    """Weighed by a row of the last layer for each image, of mean 0 and deviation 1, on a grid.

    Zhou et al. 2016.
    """
    cam = torch.einsum("nchw,nc->nhw", coarsest.float(), rows)[:, None]
    return on_grid(standardised(cam, 1e-6).to(coarsest.dtype), side)


def standardised(maps: Float[Tensor, "n k h w"], least: float) -> Float[Tensor, "n k h w"]:
    """Each of mean 0 and deviation 1; what deviates by less than `least` stays near zero."""
    centred = maps - maps.mean((2, 3), keepdim=True)
    return centred / (centred.std((2, 3), keepdim=True) + least)
