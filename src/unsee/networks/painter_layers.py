"""Layers of the painter: residual blocks, self-attention and contextual attention."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def residual_blocks(channels: int, depth: int) -> nn.Sequential:
    """Return residual blocks, every second one with a dilation of 2."""
    return nn.Sequential(*(ResidualBlock(channels, 1 + number % 2) for number in range(depth)))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions without normalisation; their output is scaled by channel.

    The scale begins at 0.1 (LayerScale: Touvron et al., "Going deeper with Image Transformers",
    ICCV 2021, https://arxiv.org/abs/2103.17239).
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.output = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the input plus the scaled output of the convolutions."""
        return x + self.scale * self.output(F.silu(self.hidden(x)))


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


class SelfAttention(nn.Module):
    """Multi-head self-attention over all places, as a residual block.

    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, channels: int, heads: int = 8) -> None:
        super().__init__()
        self.heads, self.norm = heads, ChannelNorm(channels)
        self.projections = nn.Conv2d(channels, 3 * channels, 1)
        self.output = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return the input plus the scaled output of the attention."""
        n, c, h, w = x.shape
        parts = self.projections(self.norm(x)).reshape(n, 3, self.heads, c // self.heads, h * w)
        query, key, value = parts.transpose(-1, -2).unbind(1)
        attention = F.scaled_dot_product_attention(query, key, value)
        return x + self.scale * self.output(attention.transpose(-1, -2).reshape(n, c, h, w))


class ContextualAttention(nn.Module):
    """Mix visible patches in each cell of 8 pixels, weighted by how well they fit there.

    Contextual attention (Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR
    2018, https://arxiv.org/abs/1801.07892) over patches of pixels in place of features.
    """

    cell = 8
    """Side of a cell in pixels; patches are twice as large and overlap."""
    window: Tensor
    """Weights of a patch's pixels in the overlap."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.width, self.norm = width, ChannelNorm(channels)
        self.projections = nn.Conv2d(channels, 2 * width, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        ramp = (torch.arange(2 * self.cell) + 0.5) / self.cell
        ramp = torch.minimum(ramp, 2 - ramp)
        self.register_buffer("window", ramp[:, None] * ramp, persistent=False)

    def forward(
        self, x: Float[Tensor, "n c _h _w"], visible: Float[Tensor, "n 4 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """Return pictures in [-1, 1].

        Args:
            x: Features, one place for each cell.
            visible: Pictures in [-1, 1] with smooth colours in their holes, and the mask.
        """
        side, edge = 2 * self.cell, self.cell // 2
        visible = F.pad(visible, (edge, edge, edge, edge), mode="replicate")
        projected = self.projections(self.norm(x)).flatten(2).transpose(1, 2)
        query, key = (F.normalize(part, dim=-1) for part in projected.split(self.width, dim=-1))
        patches = F.unfold(visible, side, stride=self.cell).transpose(1, 2)
        colours, mask = patches.split((3 * side * side, side * side), dim=-1)
        share = (mask.mean(-1) / 2 + 0.5).clamp(min=1e-3)
        attention = F.scaled_dot_product_attention(
            query * self.sharpness,
            key,
            colours.to(query.dtype),
            attn_mask=(4 * share.log()[:, None]).to(query.dtype),
            scale=1.0,
        )
        window = self.window.to(attention.dtype).flatten()[:, None].expand(-1, attention.shape[1])
        patches = attention.transpose(1, 2) * window.repeat(3, 1)
        total, covered = (
            F.fold(part, visible.shape[-2:], side, stride=self.cell) for part in (patches, window)
        )
        pictures: Tensor = (total / covered)[..., edge:-edge, edge:-edge]
        return pictures
