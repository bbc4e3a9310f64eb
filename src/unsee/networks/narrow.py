"""Bring a classifier's feature maps to one number of channels and one size."""

from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.networks.norm import BatchNorm


def narrowing_convolutions(channels: Iterable[int], width: int) -> nn.ModuleList:
    """Return a 1 x 1 convolution to `width` channels for each map, with batch norm and ReLU."""
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(count, width, 1, bias=False), BatchNorm(width), nn.ReLU())
        for count in channels
    )


def check_features(features: Sequence[Tensor], channels: tuple[int, ...]) -> None:
    """Raise `InputError` unless the feature maps have these channels."""
    actual = tuple(map_.shape[1] for map_ in features)
    if actual != channels:
        raise InputError(
            f"this decoder expects feature maps of {channels} channels, got {actual}: "
            "its weights belong to another classifier"
        )


def on_grid(x: Float[Tensor, "n c h w"], side: int) -> Float[Tensor, "n c {side} {side}"]:
    """Resize maps to a square grid, by averaging down or by bilinear interpolation up."""
    if x.shape[-1] > side:
        return F.adaptive_avg_pool2d(x, side)
    return F.interpolate(x, (side, side), mode="bilinear")
