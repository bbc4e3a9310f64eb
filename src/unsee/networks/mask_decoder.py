"""CASM's decoder: from a classifier's feature maps to a mask."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.narrow import check_features, narrow


class MaskDecoder(nn.Module):
    """Reads feature maps from fine to coarse, gives a mask in (0, 1) (Zolna, Geras & Cho 2018).

    The first map is taken as it is, the others go through a 1 x 1 convolution to `width` channels;
    all are brought to the size of the first and joined by a 3 x 3 convolution. The mask is
    up-sampled bilinearly (paper; its code takes the nearest cell).
    """

    def __init__(self, channels: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.narrow = narrow(self.channels[1:], width)
        joined = self.channels[0] + width * len(self.narrow)
        self.last = nn.Conv2d(joined, 1, 3, padding=1)

    def forward(
        self, features: Sequence[Tensor], size: tuple[int, int]
    ) -> Float[Tensor, "n 1 _h _w"]:
        """A mask of `size`; 1 is where the object is.

        Raises `InputError` for the feature maps of another network.
        """
        check_features(features, self.channels)
        first, *others = features
        cells = first.shape[-2:]
        others = [
            F.interpolate(layer(x), cells, mode="bilinear")
            for layer, x in zip(self.narrow, others, strict=True)
        ]
        mask = torch.sigmoid(self.last(torch.cat([first, *others], 1)))
        return F.interpolate(mask, size, mode="bilinear")
