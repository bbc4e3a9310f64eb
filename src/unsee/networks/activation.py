"""Class activation maps (Zhou et al., 2016)."""

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.networks.narrow import on_grid


def activation_map(
    coarsest: Float[Tensor, "n d h w"], rows: Float[Tensor, "n d"], side: int
) -> Float[Tensor, "n 1 {side} {side}"]:
    """Return class activation maps, standardised and resized to `side` x `side` cells.

    sum_d rows_d coarsest_d: the coarsest feature maps weighted by a class's row of the last layer
    (Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for Discriminative
    Localization", CVPR 2016, https://arxiv.org/abs/1512.04150).

    Args:
        coarsest: Coarsest feature maps of n images.
        rows: Weight vector of the class of each image.
        side: Cells along each side of the result.
    """
    cam = torch.einsum("nchw,nc->nhw", coarsest.float(), rows)[:, None]
    return on_grid(standardised(cam, 1e-6).to(coarsest.dtype), side)


def standardised(maps: Float[Tensor, "n k h w"], epsilon: float) -> Float[Tensor, "n k h w"]:
    """Return each map with mean 0 and standard deviation 1.

    `epsilon` is added to the standard deviation, so that nearly constant maps stay near zero.
    """
    centred = maps - maps.mean((2, 3), keepdim=True)
    return centred / (centred.std((2, 3), keepdim=True) + epsilon)
