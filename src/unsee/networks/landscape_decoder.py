"""A decoder that sees a classifier's feature maps and a class, and draws TIDE's landscape."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.activation import activation_map
from unsee.networks.narrow import check_features, narrow, on_grid
from unsee.networks.norm import BatchNorm
from unsee.types import Targets

HEIGHT = 4.0
"""Deviation that no landscape exceeds, about where `tide` ends: beyond it every water level is a
hard mask, that teaches little and from which a descent does not come away."""


class LandscapeDecoder(nn.Module):
    """Heights on a grid for a class, in one pass: what `tide` finds by descent.

    All feature maps are narrowed by 1 x 1 convolutions and brought to the grid. A vector for each
    class weighs the coarsest ones, as a class activation map does, and gates what follows. With
    the classifier's own `rows` (classes, d) of its last layer that vector is a projection of the
    class's row, so that classes that were seldom seen are known too; and where the coarsest maps
    have d channels, the class activation map itself is read along.
    """

    rows: Tensor | None

    def __init__(
        self,
        channels: Sequence[int],
        classes: int,
        width: int = 64,
        grid: int = 28,
        rows: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.classes, self.grid = tuple(channels), classes, grid
        self.narrow = narrow(self.channels, width)
        self.register_buffer("rows", rows, persistent=False)  # the classifier has them
        if rows is None:
            self.gate: nn.Module = nn.Embedding(classes, width)
            nn.init.normal_(self.gate.weight, std=0.1)
        else:
            self.gate = nn.Linear(rows.shape[1], width, bias=False)
            nn.init.normal_(self.gate.weight, std=0.1 / rows.shape[1] ** 0.5)
        self.activated = rows is not None and rows.shape[1] == self.channels[-1]
        inputs = width * len(self.channels) + 1 + self.activated
        self.join = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1, bias=False),
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
        pairs = zip(self.narrow, features, strict=True)
        maps = [on_grid(layer(x), self.grid) for layer, x in pairs]
        known = targets if self.rows is None else self.rows[targets]
        weight = self.gate(known)[:, :, None, None]
        seen = (maps[-1] * weight).sum(1, keepdim=True)
        if self.activated:
            maps.append(activation_map(features[-1], known, self.grid))
        joined = self.join(torch.cat([*maps, seen], 1)) * (1 + weight)
        heights: Tensor = self.last(joined) + seen
        heights = heights - heights.mean((1, 2, 3), keepdim=True)  # only differences count
        spread = heights.float().square().mean((1, 2, 3), keepdim=True)
        return heights / (1 + spread / HEIGHT**2).sqrt()
