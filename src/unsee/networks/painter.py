"""Our own in-filling generator: fully convolutional, small, with noise for several answers."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 16
"""Pixels to a cell of the coarsest map; other sizes are padded and cut again."""


class Painter(nn.Module):
    """Fills holes of pictures (n, 3, h, w) in [0, 1], of any size.

    A U-net of gated blocks (after NAFNet: Chen et al., ECCV 2022) over maps of 1/4, 1/8 and 1/16 of
    the size, with attention over all places of the coarsest, so that a hole that is larger than any
    kernel still sees the rest. What is hidden is blanked before the first layer. `noise` chooses
    among the answers; without it the answer is the middle one.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 128, 240),
        depths: tuple[int, int, int] = (2, 3, 4),
        noise: int = 8,
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.noise = noise
        self.stem = nn.Conv2d(16 * 4, fine, 3, padding=1)
        self.fine = nn.Sequential(*(Gated(fine) for _ in range(depths[0])))
        self.down1 = nn.Conv2d(fine, middle, 2, 2)
        self.middle = nn.Sequential(*(Gated(middle) for _ in range(depths[1])))
        self.down2 = nn.Conv2d(middle, coarse, 2, 2)
        self.enter = nn.Conv2d(noise, coarse, 1, bias=False)
        self.coarse = nn.Sequential(
            *(nn.Sequential(Gated(coarse), Everywhere(coarse)) for _ in range(depths[2]))
        )
        self.up2 = nn.Conv2d(coarse, middle * 4, 1)
        self.middle_back = nn.Sequential(*(Gated(middle) for _ in range(depths[1])))
        self.up1 = nn.Conv2d(middle, fine * 4, 1)
        self.fine_back = nn.Sequential(*(Gated(fine) for _ in range(depths[0])))
        self.grow2 = nn.Conv2d(fine, 32 * 4, 1)
        self.half_back = Gated(32)
        self.grow1 = nn.Conv2d(32, 16 * 4, 1)
        self.last = nn.Sequential(
            nn.Conv2d(16 + 4, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 3, 3, padding=1)
        )

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
    ) -> Float[Tensor, "n 3 h w"]:
        """The pictures where `keep` is 1, invented where it is 0."""
        size = pictures.shape[-2:]
        border = [-side % STRIDE for side in size]
        edges = (0, border[1], 0, border[0])
        known = torch.cat([(2 * pictures - 1) * keep, 2 * keep - 1], 1)
        known = F.pad(known, edges, mode="replicate") if any(border) else known
        invented = self._invent(known, noise)[..., : size[0], : size[1]]
        return torch.where(keep > 0, pictures, invented.to(pictures.dtype))

    def _invent(self, known: Tensor, noise: Tensor | None) -> Tensor:
        fine = self.fine(self.stem(F.pixel_unshuffle(known, 4)))
        middle = self.middle(self.down1(fine))
        x = self.down2(middle)
        if noise is not None:
            x = x + self.enter(noise.to(x.dtype)[..., None, None])
        x = self.coarse(x)
        x = self.middle_back(F.pixel_shuffle(self.up2(x), 2) + middle)
        x = self.fine_back(F.pixel_shuffle(self.up1(x), 2) + fine)
        x = self.half_back(F.pixel_shuffle(self.grow2(x), 2))
        x = F.pixel_shuffle(self.grow1(x), 2)
        # a steep sigmoid: zero output is mid grey, and no value is out of reach
        return torch.sigmoid(self.last(torch.cat([x, known.to(x.dtype)], 1)))


class Norm(nn.Module):
    """Layer norm over channels at each place: nothing depends on the batch or the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(torch.ones(channels)),
            nn.Parameter(torch.zeros(channels)),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Zero mean and unit deviation over channels."""
        y = F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], self.weight, self.bias, 1e-5)
        return y.permute(0, 3, 1, 2)


class Gated(nn.Module):
    """Two residual steps: neighbours, weighed by the whole picture; then channels. Both gated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(channels), Norm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.near = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.whole = nn.Conv2d(channels, channels, 1)
        self.narrow = nn.Conv2d(channels, channels, 1)
        self.mix1 = nn.Conv2d(channels, 2 * channels, 1)
        self.mix2 = nn.Conv2d(channels, channels, 1)
        self.amount = nn.Parameter(torch.full((2, 1, channels, 1, 1), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """A half gates the other half."""
        a, b = self.near(self.widen(self.norm1(x))).chunk(2, 1)
        y = a * b
        y = y * self.whole(y.mean((2, 3), keepdim=True))
        x = x + self.amount[0] * self.narrow(y)
        a, b = self.mix1(self.norm2(x)).chunk(2, 1)
        return x + self.amount[1] * self.mix2(a * b)


class Everywhere(nn.Module):
    """Self-attention over all places."""

    def __init__(self, channels: int, heads: int = 8) -> None:
        super().__init__()
        self.heads, self.norm = heads, Norm(channels)
        self.ask, self.tell = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)
        self.amount = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Every place takes from every other."""
        n, c, h, w = x.shape
        parts = self.ask(self.norm(x)).reshape(n, 3, self.heads, c // self.heads, h * w)
        query, key, value = parts.transpose(-1, -2).unbind(1)
        found = F.scaled_dot_product_attention(query, key, value)
        return x + self.amount * self.tell(found.transpose(-1, -2).reshape(n, c, h, w))
