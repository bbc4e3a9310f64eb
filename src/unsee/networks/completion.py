"""A completion autoencoder: what an image looks like, from what is left of it."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 4
"""Pixels to a cell of the code."""


class CompletionVAE(nn.Module):
    """A variational autoencoder in the form of Iizuka et al. 2017, as FIDO's "VAE".

    The encoder goes to a quarter of the size and looks around with dilated convolutions; a code of
    `latent` numbers at each place has a mean and a deviation; the decoder goes back. FIDO takes the
    mean, which did better than samples (Chang et al. 2019, section 4).
    """

    def __init__(self, width: int = 64, latent: int = 64) -> None:
        super().__init__()
        w = width
        encoder = [_layer(4, w, 5), _layer(w, 2 * w, stride=2), _layer(2 * w, 2 * w)]
        encoder += [_layer(2 * w, 4 * w, stride=2)]
        encoder += [_layer(4 * w, 4 * w, dilation=rate) for rate in (1, 1, 2, 4, 8, 16)]
        self.encoder = nn.Sequential(*encoder)
        self.code = nn.Conv2d(4 * w, 2 * latent, 1)
        self.decoder = nn.Sequential(
            _layer(latent, 4 * w), _layer(4 * w, 4 * w),
            nn.Upsample(scale_factor=2), _layer(4 * w, 2 * w), _layer(2 * w, 2 * w),
            nn.Upsample(scale_factor=2), _layer(2 * w, w), _layer(w, w // 2),
            nn.Conv2d(w // 2, 3, 3, padding=1),
        )  # fmt: skip

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
    ) -> Float[Tensor, "n 3 h w"]:
        """The pictures where `keep` is 1, decoded where it is 0; `noise` samples the code."""
        h, w = pictures.shape[-2:]
        edges = (0, -w % STRIDE, 0, -h % STRIDE)
        known = F.pad(torch.cat([(2 * pictures - 1) * keep, keep], 1), edges, mode="replicate")
        mean, spread = self.code(self.encoder(known)).chunk(2, 1)
        if noise is not None:
            mean = mean + (spread / 2).exp() * noise.to(mean)[..., None, None]
        decoded = torch.sigmoid(self.decoder(mean))[..., :h, :w]
        return torch.where(keep > 0, pictures, decoded.to(pictures.dtype))

    @property
    def noise(self) -> int:
        """Numbers that choose a sample."""
        return self.code.out_channels // 2


def _layer(
    channels: int, made: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel - 1) // 2
    convolution = nn.Conv2d(channels, made, kernel, stride, padding, dilation)
    return nn.Sequential(convolution, nn.ELU())
