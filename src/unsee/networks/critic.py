"""The critics that the in-filling generator is trained against."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

Scores = Float[Tensor, "n 1 _h _w"]
"""A score for each patch; higher is more real."""


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

    def forward(self, pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]) -> Scores:
        """Return a score for each patch. Pictures are in [0, 1]."""
        scores: Tensor = self.layers(torch.cat([2 * pictures - 1, keep], 1))
        return scores


class FeatureCritic(nn.Module):
    """Score places of a trained network's feature maps, given the mask.

    Features of a trained network tell real from generated pictures after far fewer steps than
    pixels (Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021,
    https://arxiv.org/abs/2111.01007).

    Args:
        channels: Channels of each feature map.
        width: Channels of the hidden layers.
    """

    def __init__(self, channels: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count + 1, width, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 3, padding=1)),
            )
            for count in channels
        )

    def forward(
        self, features: Sequence[Float[Tensor, "n _c _h _w"]], keep: Float[Tensor, "n 1 h w"]
    ) -> list[Scores]:
        """Return a score for each place of each map. Features have channels of unit length."""
        scores = []
        for x, head in zip(features, self.heads, strict=True):
            visible = F.interpolate(keep, x.shape[-2:], mode="area")
            scores.append(head(torch.cat([x * x.shape[1] ** 0.5, visible], 1)))
        return scores


def missing_mean(scores: Scores, keep: Float[Tensor, "n 1 h w"]) -> Float[Tensor, ""]:
    """Return the mean score of the places with missing pixels."""
    height, width = scores.shape[-2:]
    weights = F.adaptive_max_pool2d(1 - keep, (height, width))
    return (scores * weights).sum() / weights.sum().clamp(min=1)
