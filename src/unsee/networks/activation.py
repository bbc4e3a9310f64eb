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
    cam = (cam - cam.mean((2, 3), keepdim=True)) / (cam.std((2, 3), keepdim=True) + 1e-6)
    return on_grid(cam.to(coarsest.dtype), side)
