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
        cells = (first.shape[-2], first.shape[-1])
        maps = [first, *(layer(x) for layer, x in zip(self.narrow, others, strict=True))]
        mask = torch.sigmoid(self._joined(maps, cells))
        return F.interpolate(mask, size, mode="bilinear")

    def _joined(self, maps: Sequence[Tensor], cells: tuple[int, int]) -> Float[Tensor, "n 1 _h _w"]:
        """The last convolution over all maps, each brought to these cells.

        What a map gives to each of the 3 x 3 taps is summed over its channels where it is, before
        it is up-sampled, which is linear: nine channels go up, not hundreds.
        """
        taps = self.last.weight[0].flatten(1).t()[..., None, None].flip(0)
        parts = taps.split([x.shape[1] for x in maps], 1)
        found = [
            F.interpolate(F.conv2d(x, part), cells, mode="bilinear")
            for x, part in zip(maps, parts, strict=True)
        ]
        summed = F.fold(torch.stack(found).sum(0).flatten(2), cells, 3, padding=1)
        return summed + self.last.bias[:, None, None]  # type: ignore[index]
