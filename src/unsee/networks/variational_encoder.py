"""The encoder of variational saliency, from an image to a Gaussian over maps."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.mixture import Mixture, gaussians
from unsee.networks.norm import BatchNorm

PUBLISHED_WIDTHS = (*[64] * 4, *[32] * 5, *[16] * 7)
"""Channels of all convolutions but the last, which has 2. Kim et al. write 17 convolutions and list
16; the missing one has 16 channels here."""
PIXELS_PER_CELL = 4
"""Side in pixels of the part of the image that belongs to a cell of the map."""


class VariationalEncoder(nn.Module):
    """Convolutions of 3 x 3 without pooling, with batch norm and ReLU except after the last.

    Without `side` the map has the size of the image, as in Kim et al.; at 224 pixels that takes
    about 10 G multiplications. With `side` the map has that side: the image is resized to four
    times the side, and the 4 x 4 pixels of a cell become channels (not in the paper).
    """

    def __init__(
        self,
        channels: int = 3,
        widths: Sequence[int] = PUBLISHED_WIDTHS,
        side: int | None = None,
    ) -> None:
        super().__init__()
        self.widths, self.side = tuple(widths), side
        layers: list[nn.Module] = []
        before = channels * (PIXELS_PER_CELL**2 if side else 1)
        for width in self.widths:
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), BatchNorm(width)]
            layers += [nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(before, 2, 3, padding=1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Mixture:
        """Return one Gaussian for each image."""
        if self.side:
            side = PIXELS_PER_CELL * self.side
            x = F.interpolate(x, (side, side), mode="bilinear", antialias=True)
            x = F.pixel_unshuffle(x, PIXELS_PER_CELL)
        return gaussians(self.last(self.layers(x)))
