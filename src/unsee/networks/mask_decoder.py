"""CASM's decoder from a classifier's feature maps to a mask."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.narrow import check_features, narrowing_convolutions


class MaskDecoder(nn.Module):
    """Predict a mask in (0, 1) from feature maps, given from fine to coarse.

    The first map is used as it is; 1 x 1 convolutions bring the others to `width` channels. All are
    resized to the first and joined by a 3 x 3 convolution. The mask is up-sampled bilinearly, as in
    the paper; the released code uses nearest neighbours.

    Zolna, Geras & Cho, "Classifier-agnostic saliency map extraction", 2018,
    https://arxiv.org/abs/1805.08249.
    """

    def __init__(self, channels: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.narrow = narrowing_convolutions(self.channels[1:], width)
        joined = self.channels[0] + width * len(self.narrow)
        self.last = nn.Conv2d(joined, 1, 3, padding=1)

    def forward(
        self, features: Sequence[Tensor], size: tuple[int, int]
    ) -> Float[Tensor, "n 1 _h _w"]:
        """Return a mask of `size`, near 1 on the object.

        Raises:
            InputError: The feature maps have other channels than the decoder expects.
        """
        check_features(features, self.channels)
        first, *others = features
        grid = (first.shape[-2], first.shape[-1])
        maps = [first, *(layer(x) for layer, x in zip(self.narrow, others, strict=True))]
        mask = torch.sigmoid(self._join(maps, grid))
        return F.interpolate(mask, size, mode="bilinear")

    def _join(self, maps: Sequence[Tensor], grid: tuple[int, int]) -> Float[Tensor, "n 1 _h _w"]:
        """Apply the last convolution to all maps, each resized to the grid.

        Resizing is linear, so each map is first reduced to its nine contributions, one for each tap
        of the kernel, and these nine channels are up-sampled in place of hundreds.
        """
        taps = self.last.weight[0].flatten(1).t()[..., None, None].flip(0)
        parts = taps.split([x.shape[1] for x in maps], 1)
        contributions = [
            F.interpolate(F.conv2d(x, part), grid, mode="bilinear")
            for x, part in zip(maps, parts, strict=True)
        ]
        summed = F.fold(torch.stack(contributions).sum(0).flatten(2), grid, 3, padding=1)
        return summed + self.last.bias[:, None, None]  # type: ignore[index]
