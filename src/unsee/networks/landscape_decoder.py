"""A decoder that sees a classifier's feature maps and a class, and draws TIDE's landscape."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.narrow import check_features, narrow
from unsee.networks.norm import BatchNorm
from unsee.types import Targets


class LandscapeDecoder(nn.Module):
    """Heights on a grid for a class, in one pass: what `tide` finds by descent.

    All feature maps are narrowed by 1 x 1 convolutions and brought to the grid. A vector for each
    class weighs the coarsest ones, as a class activation map does, and gates what follows.
    """

    def __init__(
        self, channels: Sequence[int], classes: int, width: int = 64, grid: int = 28
    ) -> None:
        super().__init__()
        self.channels, self.classes, self.grid = tuple(channels), classes, grid
        self.narrow = narrow(self.channels, width)
        self.gate = nn.Embedding(classes, width)
        nn.init.normal_(self.gate.weight, std=0.1)
        self.join = nn.Sequential(
            nn.Conv2d(width * len(self.channels) + 1, width, 3, padding=1, bias=False),
            BatchNorm(width),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.zeros_(self.last.weight)  # flat at first, as tide begins
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(
        self, features: Sequence[Tensor], targets: Targets
    ) -> Float[Tensor, "n 1 {self.grid} {self.grid}"]:
        """The landscape of each image for its class.

        Raises `InputError` for the feature maps of another network.
        """
        check_features(features, self.channels)
        maps = [
            _on_grid(layer(x), self.grid) for layer, x in zip(self.narrow, features, strict=True)
        ]
        weight = self.gate(targets)[:, :, None, None]
        seen = (maps[-1] * weight).sum(1, keepdim=True)
        joined = self.join(torch.cat([*maps, seen], 1)) * (1 + weight)
        heights: Tensor = self.last(joined) + seen
        return heights


def _on_grid(x: Float[Tensor, "n c h w"], side: int) -> Float[Tensor, "n c {side} {side}"]:
    if x.shape[-1] > side:
        return F.adaptive_avg_pool2d(x, side)
    return F.interpolate(x, (side, side), mode="bilinear")
