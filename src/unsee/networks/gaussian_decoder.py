"""A decoder that sees a classifier's feature maps and gives a Gaussian over maps."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.narrow import check_features, narrow, on_grid
from unsee.networks.norm import BatchNorm
from unsee.networks.variational_encoder import steadied


class GaussianDecoder(nn.Module):
    """What `VariationalEncoder` gives, from what a classifier has seen instead of the image (ours).

    All feature maps are narrowed by 1 x 1 convolutions, brought to the side of the map and joined.
    """

    def __init__(self, channels: Sequence[int], width: int = 64, side: int = 28) -> None:
        super().__init__()
        self.channels, self.width, self.side = tuple(channels), width, side
        self.narrow = narrow(self.channels, width)
        self.join = nn.Sequential(
            nn.Conv2d(width * len(self.channels), width, 3, padding=1, bias=False),
            BatchNorm(width),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(width, 2, 3, padding=1)

    def forward(
        self, features: Sequence[Tensor]
    ) -> tuple[Float[Tensor, "n _gh _gw"], Float[Tensor, "n _gh _gw"]]:
        """Mean and log variance of each pixel of a map.

        Raises `InputError` for the feature maps of another network.
        """
        check_features(features, self.channels)
        pairs = zip(self.narrow, features, strict=True)
        joined = self.join(torch.cat([on_grid(layer(x), self.side) for layer, x in pairs], 1))
        mean, log_variance = self.last(joined).unbind(1)
        return mean, steadied(log_variance)
