"""A decoder from a classifier's feature maps and a class to a pixel ranking."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.activation import activation_map
from unsee.networks.narrow import check_features, narrowing_convolutions, on_grid
from unsee.networks.norm import BatchNorm
from unsee.types import Targets

MAX_DEVIATION = 4.0
"""Standard deviation that the logits of a map approach but do not exceed. `tide` ends near it;
beyond it every threshold gives a hard mask, whose gradient is close to zero."""


class RankingDecoder(nn.Module):
    """Predict the logits of a pixel ranking for a class in one pass, which `tide` optimises.

    1 x 1 convolutions bring all feature maps to `width` channels; the maps are resized to the grid.
    A vector for each class weights the coarsest maps, as in a class activation map, and gates the
    features. With the classifier's last layer, the vector is a projection of the class's row, so
    that it generalises to classes that were rare in training. If the coarsest maps have as many
    channels as the last layer, the class activation map is a further input.
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
        """Initialise weights so that the ranking is flat.

        Args:
            channels: Channels of each feature map, from fine to coarse.
            classes: Number of classes.
            width: Channels of the decoder.
            grid: Side of the map in cells.
            rows: Weights (classes, d) of the classifier's last layer.
        """
        super().__init__()
        self.channels, self.classes, self.grid = tuple(channels), classes, grid
        self.narrow = narrowing_convolutions(self.channels, width)
        self.register_buffer("rows", rows, persistent=False)  # stored with the classifier
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
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(
        self, features: Sequence[Tensor], targets: Targets
    ) -> Float[Tensor, "n 1 {self.grid} {self.grid}"]:
        """Return the logits of each image's ranking for its class, with mean 0.

        Raises:
            InputError: The feature maps have other channels than the decoder expects.
        """
        check_features(features, self.channels)
        pairs = zip(self.narrow, features, strict=True)
        maps = [on_grid(layer(x), self.grid) for layer, x in pairs]
        classes = targets if self.rows is None else self.rows[targets]
        weight = self.gate(classes)[:, :, None, None]
        weighted = (maps[-1] * weight).sum(1, keepdim=True)
        if self.activated:
            maps.append(activation_map(features[-1], classes, self.grid))
        joined = self.join(torch.cat([*maps, weighted], 1)) * (1 + weight)
        logits: Tensor = self.last(joined) + weighted
        logits = logits - logits.mean((1, 2, 3), keepdim=True)  # only differences matter
        variance = logits.float().square().mean((1, 2, 3), keepdim=True)
        return logits / (1 + variance / MAX_DEVIATION**2).sqrt()
