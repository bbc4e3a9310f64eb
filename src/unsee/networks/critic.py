"""What the generator plays against in training: is this patch real, given what was known?"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Module):
    """Spectrally normalised convolutions that judge patches (SN-PatchGAN: Yu et al., ICCV 2019)."""

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
        """High for patches that look real."""
        return self.layers(torch.cat([2 * pictures - 1, keep], 1))
