"""The critic that the in-filling generator is trained against."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Module):
    """Score patches of pictures as real or generated, given the mask (SN-PatchGAN).

    Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
    https://arxiv.org/abs/1806.03589.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 4
        for factor in (1, 2, 4, 4):
            convolution = nn.Conv2d(before, width * factor, 5, 2, 2)
            layers += [spectral_norm(convolution), nn.LeakyReLU(0.2)]
            before = width * factor
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(before, 1, 3, 1, 1)))

    def forward(
        self, pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n 1 _h _w"]:
        """Return a score for each patch; higher is more real. Pictures are in [0, 1]."""
        return self.layers(torch.cat([2 * pictures - 1, keep], 1))
