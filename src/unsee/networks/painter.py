"""Our own in-filling generator: fully convolutional, small, with noise for several answers."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.patches import COARSE, FINE, WIDE, laid

TURNS = WIDE, COARSE, FINE
"""Patches that are laid, one after the other."""
SWAY = 0.05
"""Deviation of the colours by which noise moves a guess before patches are chosen."""
STRIDE = WIDE.apart
"""Pixels, a multiple of the coarsest map's 16; other sizes are padded and cut again."""


class Painter(nn.Module):
    """Fills holes of pictures (n, 3, h, w) in [0, 1], of any size.

    It adds to smooth colours from around the hole what a U-net over maps of 1/4, 1/8 and 1/16 of
    the size says, with attention over all places of the coarsest, so that a hole that is larger
    than any kernel still sees the rest, and with patches of what is known, brought to where they
    would fit. That is a first guess; known patches nearest to it are laid over it, and a second,
    shorter way back decides at each pixel between the two, and adds: three times, with smaller
    and smaller patches. What is hidden is blanked first. `noise` chooses among the guesses, and
    moves them so that other patches are nearest; without it the guess is the middle one.
    """

    swaying: Tensor
    """How much each number of the noise moves the colours of coarse cells."""

    def __init__(
        self,
        widths: tuple[int, int, int] = (48, 112, 176),
        depths: tuple[int, int, int] = (2, 2, 3),
        noise: int = 8,
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.noise = noise
        self.stem = nn.Conv2d(16 * 4, fine, 3, padding=1)
        self.fine = _nears(fine, depths[0])
        self.down1 = nn.Conv2d(fine, middle, 2, 2)
        self.middle = _nears(middle, depths[1])
        self.down2 = nn.Conv2d(middle, coarse, 2, 2)
        self.enter = nn.Conv2d(noise, coarse, 1, bias=False)
        self.coarse = nn.Sequential(
            *(nn.Sequential(near, Everywhere(coarse)) for near in _nears(coarse, depths[2]))
        )
        self.up2 = nn.Conv2d(coarse, middle * 4, 1)
        self.middle_back = _nears(middle, depths[1])
        self.brought = Brought(middle)
        self.up1 = nn.Conv2d(middle, fine * 4, 1)
        self.take = nn.Conv2d(3 * 16, fine, 3, padding=1)
        self.fine_back = _nears(fine, depths[0])
        self.grow2 = nn.Conv2d(fine, 32 * 4, 1)
        self.half_back = Near(32)
        self.grow1 = nn.Conv2d(32, 16 * 4, 1)
        last = nn.Conv2d(16, 3, 3, padding=1)
        for parameter in last.parameters():
            nn.init.normal_(parameter, std=0.01)
        self.last = nn.Sequential(nn.Conv2d(16 + 7, 16, 3, padding=1), nn.SiLU(), last)
        self.finish = Finish(fine)
        g = torch.Generator().manual_seed(0)
        swaying = SWAY / noise**0.5 * torch.randn(noise, 3, 16, 16, generator=g)
        self.register_buffer("swaying", swaying, persistent=False)

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
        *,
        first: bool = False,
    ) -> Float[Tensor, "m 3 h w"]:
        """The pictures where `keep` is 1, invented where it is 0; with `first`, guesses follow."""
        guess, mask = self._guess(pictures, keep, noise)
        invented, moved = guess.detach(), 0.0 if noise is None else self._sway(noise, guess)
        for turn in range(len(TURNS)):
            finished = self.finish(invented, mask, turn, moved)
            invented = torch.where(mask > 0, guess, finished)
        return torch.cat([_told(x, pictures, keep) for x in [invented] + [guess] * first])

    def guess(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
    ) -> Float[Tensor, "n 3 h w"]:
        """The first guess alone."""
        return _told(self._guess(pictures, keep, noise)[0], pictures, keep)

    def _sway(self, noise: Tensor, guess: Tensor) -> Tensor:
        """Smooth colours without any meaning, that the noise mixes."""
        mixed = torch.einsum("nz,zchw->nchw", noise.to(self.swaying), self.swaying)
        return F.interpolate(mixed, guess.shape[-2:], mode="bilinear").to(guess)

    def _guess(self, pictures: Tensor, keep: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """The first guess and what is kept, of sides that are multiples of the stride."""
        border = [-side % STRIDE for side in pictures.shape[-2:]]
        known = torch.cat([pictures * keep, keep], 1)
        known = F.pad(known, (0, border[1], 0, border[0]), "replicate") if any(border) else known
        around, mask = smooth(known[:, :3], known[:, 3:]), known[:, 3:]
        added = self._invent(torch.cat([around, mask], 1).mul(2).sub(1), noise)
        return torch.where(mask > 0, around, around + added), mask

    def _invent(self, known: Tensor, noise: Tensor | None) -> Tensor:
        """What the guess adds to smooth colours."""
        fine = self.fine(self.stem(F.pixel_unshuffle(known, 4)))
        middle = self.middle(self.down1(fine))
        x = self.down2(middle)
        if noise is not None:
            x = x + self.enter(noise.to(x.dtype)[..., None, None])
        x = self.coarse(x)
        x = self.middle_back(F.pixel_shuffle(self.up2(x), 2) + middle)
        brought = self.brought(x, known)
        x = F.pixel_shuffle(self.up1(x), 2) + self.take(F.pixel_unshuffle(brought, 4))
        x = self.fine_back(x + fine)
        x = self.half_back(F.pixel_shuffle(self.grow2(x), 2))
        x = F.pixel_shuffle(self.grow1(x), 2)
        added: Tensor = self.last(torch.cat([x, known.to(x.dtype), brought.to(x.dtype)], 1))
        return added


def _told(invented: Tensor, pictures: Tensor, keep: Tensor) -> Tensor:
    """Pictures of the size asked for, as they are where they are kept."""
    height, width = pictures.shape[-2:]
    return torch.where(keep > 0, pictures, invented[..., :height, :width].to(pictures.dtype))


def smooth(
    shown: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n 3 h w"]:
    """Holes filled with colours from around them, from cells that double until one is seen.

    Pull and push (Gortler et al., SIGGRAPH 1996), for hard masks; grey where nothing is seen.
    """
    pairs = [(shown, keep)]
    while max(pairs[-1][0].shape[-2:]) > 1:
        colours, seen = (F.avg_pool2d(part, 2, ceil_mode=True) for part in pairs[-1])
        pairs.append((colours, seen))
    found = torch.full_like(pairs[-1][0], 0.5)
    for colours, seen in reversed(pairs):
        behind = F.interpolate(found, colours.shape[-2:], mode="bilinear", align_corners=False)
        found = torch.where(seen > 0, colours / seen.clamp(min=1e-9), behind)
    return found


def _nears(channels: int, depth: int) -> nn.Sequential:
    """Every other one looks twice as far."""
    return nn.Sequential(*(Near(channels, 1 + number % 2) for number in range(depth)))


class Near(nn.Module):
    """A residual step over neighbours. Nothing is normalised: what little is added is learned."""

    def __init__(self, channels: int, reach: int = 1) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach)
        self.tell = nn.Conv2d(channels, channels, 3, padding=1)
        self.amount = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The same, and a little more."""
        return x + self.amount * self.tell(F.silu(self.look(x)))


class Finish(nn.Module):
    """Chooses between a guess and the patches laid over it, and adds what both lack.

    It sees these two alone: what it was told of the depth of a hole became a pattern there.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.turns = nn.Parameter(torch.zeros(len(TURNS), channels))
        self.see = nn.Conv2d(16 * 8, channels, 3, padding=1)
        self.think = _nears(channels, 3)
        self.grow = nn.Conv2d(channels, 16 * 8, 1)
        last = nn.Conv2d(16, 4, 3, padding=1)
        nn.init.normal_(last.weight, std=0.003)
        # patches are believed at first
        last.bias = nn.Parameter(torch.tensor([0.0, 0.0, 0.0, 2.0]))
        self.last = nn.Sequential(nn.Conv2d(8 + 8, 16, 3, padding=1), nn.SiLU(), last)

    def forward(
        self,
        guess: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        turn: int,
        moved: Float[Tensor, "n 3 h w"] | float = 0.0,
    ) -> Float[Tensor, "n 3 h w"]:
        """Pictures, of a guess that is right where `keep` is 1; `moved` is for patches alone."""
        wanted = guess.detach() + moved * (1 - keep)
        patches, misfit = laid(wanted, keep, TURNS[turn])
        seen = torch.cat([guess * 2 - 1, patches * 2 - 1, keep * 2 - 1, misfit * 4], 1)
        seen = seen.to(self.see.weight.dtype)
        x = self.see(F.pixel_unshuffle(seen, 4))
        x = self.think(x + self.turns[turn][:, None, None].to(x.dtype))
        said = self.last(torch.cat([F.pixel_shuffle(self.grow(x), 4), seen], 1)).float()
        trusted: Tensor = torch.lerp(guess.float(), patches, said[:, 3:].sigmoid())
        return trusted + said[:, :3]


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


class Brought(nn.Module):
    """In each cell of 8 pixels, patches of what is known, mixed by how well they would fit there.

    Contextual attention (Yu et al., CVPR 2018) with patches of pixels instead of features.
    """

    cell = 8
    """Pixels a side; patches are twice as large, and overlap."""
    window: Tensor
    """Weights of a patch's pixels."""

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.width, self.norm = width, Norm(channels)
        self.ask = nn.Conv2d(channels, 2 * width, 3, padding=1)
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        ramp = (torch.arange(2 * self.cell) + 0.5) / self.cell
        ramp = torch.minimum(ramp, 2 - ramp)
        self.register_buffer("window", ramp[:, None] * ramp, persistent=False)

    def forward(
        self, x: Float[Tensor, "n c _h _w"], known: Float[Tensor, "n 4 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """Pictures in [-1, 1]; `known` has smooth colours in its holes, and where they are."""
        side, edge = 2 * self.cell, self.cell // 2
        known = F.pad(known, (edge, edge, edge, edge), mode="replicate")
        asked = self.ask(self.norm(x)).flatten(2).transpose(1, 2)
        query, key = (F.normalize(part, dim=-1) for part in asked.split(self.width, dim=-1))
        patches = F.unfold(known, side, stride=self.cell).transpose(1, 2)
        colours, seen = patches.split((3 * side * side, side * side), dim=-1)
        trust = (seen.mean(-1) / 2 + 0.5).clamp(min=1e-3).log()[:, None]
        found = F.scaled_dot_product_attention(
            query * self.sharpness,
            key,
            colours.to(query.dtype),
            attn_mask=(4 * trust).to(query.dtype),
            scale=1.0,
        )
        window = self.window.to(found.dtype).flatten()[:, None].expand(-1, found.shape[1])
        pieces = found.transpose(1, 2) * window.repeat(3, 1)
        total, covered = (
            F.fold(part, known.shape[-2:], side, stride=self.cell) for part in (pieces, window)
        )
        brought: Tensor = (total / covered)[..., edge:-edge, edge:-edge]
        return brought
