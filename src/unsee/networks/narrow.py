"""Feature maps brought to one width, as the decoders read them."""

from collections.abc import Iterable, Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.networks.norm import BatchNorm


def narrow(channels: Iterable[int], width: int) -> nn.ModuleList:
    """A 1 x 1 convolution for each map, to `width` channels."""
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(count, width, 1, bias=False), BatchNorm(width), nn.ReLU())
        for count in channels
    )


def check_features(features: Sequence[Tensor], channels: tuple[int, ...]) -> None:
    """Refuse the feature maps of another network."""
    found = tuple(map_.shape[1] for map_ in features)
    if found != channels:
        raise InputError(
            f"this decoder was made for feature maps of {channels} channels, got {found}: "
            "its weights belong to another classifier"
        )


def on_grid(x: Float[Tensor, "n c h w"], side: int) -> Float[Tensor, "n c {side} {side}"]:
    """Averaged down or interpolated up."""
    if x.shape[-1] > side:
        return F.adaptive_avg_pool2d(x, side)
    return F.interpolate(x, (side, side), mode="bilinear")
