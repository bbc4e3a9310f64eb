"""Losses of in-filling networks, and what their critics see."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from unsee.networks.painter import nearness

VARIETY_CELL = 8
"""Side in pixels of the cells whose mean colours are compared: shades of texture do not count."""
MAX_VARIETY = 0.06
"""Largest rewarded difference of two results."""
MIN_NEARNESS = 0.1
"""Weight of the absolute error far from every visible pixel."""
MIN_HOLE_SHARE = 0.02
"""Smallest share of missing pixels by which a reconstruction error is divided."""


class Views(NamedTuple):
    """What the critics see of a batch."""

    pictures: Tensor
    keep: Tensor
    features: list[Tensor]
    """Features of a window of the pictures; empty without a perceptual network."""
    seen: Tensor
    """The masks in that window."""

    def detach(self) -> "Views":
        """Return the same without a graph."""
        features = [part.detach() for part in self.features]
        return self._replace(pictures=self.pictures.detach(), features=features)


def hole_error(result: Tensor, x: Tensor, keep: Tensor, *, evenly: bool = False) -> Tensor:
    """Return the mean absolute error over the square root of the missing share.

    The root keeps small holes from being ignored and large ones from dominating. Pixels with few
    visible pixels nearby, which cannot be predicted, count less, unless pixels count `evenly`.
    """
    error = (result - x).abs()
    if not evenly:
        error = error * nearness(keep).clamp(min=MIN_NEARNESS)
    error = error.mean((1, 2, 3))
    return (error / missing_root(keep)).mean()


def variety(result: Tensor, other: Tensor, keep: Tensor) -> Tensor:
    """Return the difference of two results' colours far from visible pixels, up to MAX_VARIETY."""
    far = F.avg_pool2d(1 - nearness(keep), VARIETY_CELL)
    difference = F.avg_pool2d(result - other, VARIETY_CELL).abs().mean(1, keepdim=True)
    means = (difference * far).sum((1, 2, 3)) / far.sum((1, 2, 3)).clamp(min=1)
    return means.clamp(max=MAX_VARIETY).mean()


def missing_root(keep: Tensor) -> Tensor:
    """Return the square root of each mask's missing share."""
    return (1 - keep).mean((1, 2, 3)).clamp(min=MIN_HOLE_SHARE).sqrt()
