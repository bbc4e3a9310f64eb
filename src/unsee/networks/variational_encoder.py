"""Variational saliency's encoder: from an image to a Gaussian over maps."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.mixture import Mixture, gaussians
from unsee.networks.norm import BatchNorm

PUBLISHED = (*[64] * 4, *[32] * 5, *[16] * 7)
"""Channels of all convolutions but the last, which has 2 (Kim et al.; 17 are said and 16 printed,
so there is one more of 16 here)."""
FOLDED = 4
"""Pixels of a cell's side that become channels."""


class VariationalEncoder(nn.Module):
    """Convolutions 3 x 3 without pooling, each with batch norm and ReLU; the last has neither.

    With `side` the Gaussian is over maps of that side, and the encoder reads the image at four
    times it, the 4 x 4 pixels of each cell as channels (not in the paper, whose maps have the
    image's size; at 224 pixels it costs some 10 G multiplications).
    """

    def __init__(self, channels: int = 3, widths: Sequence[int] = PUBLISHED, side: int = 0) -> None:
        super().__init__()
        self.widths, self.side = tuple(widths), side
        layers: list[nn.Module] = []
        before = channels * (FOLDED**2 if side else 1)
        for width in self.widths:
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), BatchNorm(width)]
            layers += [nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(before, 2, 3, padding=1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Mixture:
        """One Gaussian."""
        if self.side:
            fine = (FOLDED * self.side, FOLDED * self.side)
            x = F.pixel_unshuffle(F.interpolate(x, fine, mode="bilinear", antialias=True), FOLDED)
        return gaussians(self.last(self.layers(x)))
