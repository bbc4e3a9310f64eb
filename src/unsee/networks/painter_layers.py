"""Layers of the painter: residual blocks and self-attention."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

INITIAL_SCALE = 0.1
"""Scale of a block's output before training."""


class ChannelNorm(nn.Module):
    """Layer norm over channels at each place, independent of the batch and the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise to mean 0 and deviation 1 over channels, then scale and shift."""
        y = F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], self.weight, self.bias, 1e-5)
        return y.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A depthwise convolution of 7 x 7, then two layers that mix channels, as a residual block.

    Liu et al., "A ConvNet for the 2020s", CVPR 2022, https://arxiv.org/abs/2201.03545. The output
    is scaled by channel (LayerScale: Touvron et al., "Going deeper with Image Transformers", ICCV
    2021, https://arxiv.org/abs/2103.17239).
    """

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.hidden = nn.Conv2d(channels, expansion * channels, 1)
        self.output = nn.Conv2d(expansion * channels, channels, 1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), INITIAL_SCALE))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the input plus the scaled output of the convolutions."""
        y = self.output(F.relu(self.hidden(self.norm(self.spatial(x))), inplace=True))
        return torch.addcmul(x, self.scale.to(y.dtype), y)


def residual_blocks(channels: int, depth: int) -> nn.Sequential:
    """Return residual blocks, every second one with a dilation of 2."""
    return nn.Sequential(*(ResidualBlock(channels, 1 + number % 2) for number in range(depth)))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions without normalisation; their output is scaled by channel."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.output = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), INITIAL_SCALE))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the input plus the scaled output of the convolutions."""
        return x + self.scale * self.output(F.silu(self.hidden(x)))


class SelfAttention(nn.Module):
    """Multi-head self-attention over all places, as a residual block.

    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, channels: int, head: int = 32) -> None:
        super().__init__()
        self.heads = max(1, channels // 2 // head)
        self.width = self.heads * head
        self.norm = ChannelNorm(channels)
        self.projections = nn.Conv2d(channels, 3 * self.width, 1)
        self.output = nn.Conv2d(self.width, channels, 1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), INITIAL_SCALE))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the input plus the scaled output of the attention."""
        n, _, h, w = x.shape
        parts = self.projections(self.norm(x))
        parts = parts.reshape(n, 3, self.heads, self.width // self.heads, h * w)
        query, key, value = parts.transpose(-1, -2).unbind(1)
        attention = F.scaled_dot_product_attention(query, key, value)
        y = self.output(attention.transpose(-1, -2).reshape(n, self.width, h, w))
        return torch.addcmul(x, self.scale.to(y.dtype), y)
