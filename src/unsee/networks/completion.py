"""The completion autoencoder that FIDO calls "VAE"."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 4
"""Side in pixels of the part of the image that belongs to a place of the code."""


class CompletionVAE(nn.Module):
    """A variational autoencoder with the layout of Iizuka et al.

    The encoder reduces the picture to a quarter of its size and applies dilated convolutions. Each
    place has a code of `latent` numbers with means and log variances; the decoder returns to the
    full size. FIDO decodes the means, which did better than samples (Chang et al., section 4).

    Iizuka, Simo-Serra & Ishikawa, "Globally and Locally Consistent Image Completion", SIGGRAPH
    2017; Chang et al., "Explaining Image Classifiers by Counterfactual Generation", ICLR 2019,
    https://arxiv.org/abs/1807.08024.
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
        """Return the pictures in [0, 1] with their holes (`keep = 0`) filled.

        `noise` draws a sample of the code; without it the mean is decoded.
        """
        h, w = pictures.shape[-2:]
        code, log_variance = self.encode(pictures, keep)
        if noise is not None:
            code = code + (log_variance / 2).exp() * noise.to(code)[..., None, None]
        decoded = self.decode(code)[..., :h, :w]
        return torch.where(keep > 0, pictures, decoded.to(pictures.dtype))

    def encode(
        self, pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
    ) -> tuple[Float[Tensor, "n z gh gw"], Float[Tensor, "n z gh gw"]]:
        """Return means and log variances of the codes of visible pixels."""
        h, w = pictures.shape[-2:]
        edges = (0, -w % STRIDE, 0, -h % STRIDE)
        visible = F.pad(torch.cat([(2 * pictures - 1) * keep, keep], 1), edges, mode="replicate")
        mean, log_variance = self.code(self.encoder(visible)).chunk(2, 1)
        return mean, log_variance

    def decode(self, code: Float[Tensor, "n z gh gw"]) -> Float[Tensor, "n 3 h w"]:
        """Return pictures in [0, 1], with sides of `STRIDE` times those of the code."""
        return torch.sigmoid(self.decoder(code))

    def noise_shape(self, _size: tuple[int, int]) -> tuple[int]:
        """Return the shape of a picture's noise, which draws a sample."""
        return (self.code.out_channels // 2,)


def _layer(
    before: int, channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel - 1) // 2
    convolution = nn.Conv2d(before, channels, kernel, stride, padding, dilation)
    return nn.Sequential(convolution, nn.ELU())
