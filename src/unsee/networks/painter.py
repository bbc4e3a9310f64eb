"""The generator of the in-filler `painter`."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks import weights
from unsee.networks.painter_layers import (
    ContextualAttention,
    ResidualBlock,
    SelfAttention,
    residual_blocks,
)
from unsee.networks.patches import LARGE
from unsee.networks.reading import read
from unsee.networks.refinement import GRIDS, RefinementHead

NOISE_COLOUR_DEVIATION = 0.05
"""Standard deviation of the colours that noise adds to a guess before patches are searched."""
STRIDE = LARGE.stride
"""Pixels; sides are padded to a multiple of it. It is a multiple of the coarsest map's 16."""
RENAMED = {
    "look": "hidden",
    "tell": "output",
    "ask": "projections",
    "amount": "scale",
    "enter": "noise_projection",
    "brought": "contextual_attention",
    "take": "contextual_projection",
    "grow1": "upsample1",
    "grow2": "upsample2",
    "finish": "refinement",
    "turns": "pass_embedding",
    "see": "stem",
    "think": "blocks",
    "grow": "upsample",
}
"""Parts of the keys in the weights that come with the package, and the modules' names."""


class Painter(nn.Module):
    """Fill holes of pictures (n, 3, h, w) in [0, 1] of any size.

    1. Pull-push interpolation fills the holes with smooth colours.
    2. A U-net over maps of 1/4, 1/8 and 1/16 of the size adds to these colours. It has
       self-attention at the coarsest map and contextual attention over visible patches, so that a
       hole larger than any kernel still depends on the whole picture. The result is the guess.
    3. `RefinementHead` runs once for each patch size, from large to small: visible patches near to
       the current result are copied over it, and a small network mixes both and adds to them.

    Removed pixels are set to zero first. `noise` chooses between several guesses, and shifts their
    colours so that other patches are copied; without noise the guess is the average one.
    """

    noise_colours: Tensor
    """Colours (noise, 3, 16, 16) that each number of the noise adds to a guess."""

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
        self.fine = residual_blocks(fine, depths[0])
        self.down1 = nn.Conv2d(fine, middle, 2, 2)
        self.middle = residual_blocks(middle, depths[1])
        self.down2 = nn.Conv2d(middle, coarse, 2, 2)
        self.noise_projection = nn.Conv2d(noise, coarse, 1, bias=False)
        self.coarse = nn.Sequential(
            *(
                nn.Sequential(block, SelfAttention(coarse))
                for block in residual_blocks(coarse, depths[2])
            )
        )
        self.up2 = nn.Conv2d(coarse, middle * 4, 1)
        self.middle_back = residual_blocks(middle, depths[1])
        self.contextual_attention = ContextualAttention(middle)
        self.up1 = nn.Conv2d(middle, fine * 4, 1)
        self.contextual_projection = nn.Conv2d(3 * 16, fine, 3, padding=1)
        self.fine_back = residual_blocks(fine, depths[0])
        self.upsample2 = nn.Conv2d(fine, 32 * 4, 1)
        self.half_back = ResidualBlock(32)
        self.upsample1 = nn.Conv2d(32, 16 * 4, 1)
        last = nn.Conv2d(16, 3, 3, padding=1)
        for parameter in last.parameters():
            nn.init.normal_(parameter, std=0.01)
        self.last = nn.Sequential(nn.Conv2d(16 + 7, 16, 3, padding=1), nn.SiLU(), last)
        self.refinement = RefinementHead(fine)
        g = torch.Generator().manual_seed(0)
        deviation = NOISE_COLOUR_DEVIATION / noise**0.5
        noise_colours = deviation * torch.randn(noise, 3, 16, 16, generator=g)
        self.register_buffer("noise_colours", noise_colours, persistent=False)

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
        *,
        with_guess: bool = False,
    ) -> Float[Tensor, "m 3 h w"]:
        """Return the pictures with their holes (`keep = 0`) filled.

        With `with_guess` the guesses of the U-net follow in the same batch: m = 2 n, otherwise
        m = n. The guess gets no gradient from the filled pictures.
        """
        guess, mask = self._guess(pictures, keep, noise)
        filled, shift = guess.detach(), 0.0 if noise is None else self._noise_shift(noise, guess)
        for number in range(len(GRIDS)):
            refined = self.refinement(filled, mask, number, shift)
            filled = torch.where(mask > 0, guess, refined)
        results = [filled, guess] if with_guess else [filled]
        return torch.cat([_restore_visible(x, pictures, keep) for x in results])

    def guess(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z"] | None = None,
    ) -> Float[Tensor, "n 3 h w"]:
        """Return the guess of the U-net, without refinement."""
        return _restore_visible(self._guess(pictures, keep, noise)[0], pictures, keep)

    def _noise_shift(self, noise: Tensor, guess: Tensor) -> Tensor:
        """Return smooth random colours of the size of a guess, mixed by the noise."""
        colours = torch.einsum("nz,zchw->nchw", noise.to(self.noise_colours), self.noise_colours)
        return F.interpolate(colours, guess.shape[-2:], mode="bilinear").to(guess)

    def _guess(self, pictures: Tensor, keep: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the guess and the mask, padded to sides that are multiples of the stride."""
        border = [-side % STRIDE for side in pictures.shape[-2:]]
        visible = torch.cat([pictures * keep, keep], 1)
        if any(border):
            visible = F.pad(visible, (0, border[1], 0, border[0]), "replicate")
        colours, mask = pull_push(visible[:, :3], visible[:, 3:]), visible[:, 3:]
        correction = self._unet(torch.cat([colours, mask], 1).mul(2).sub(1), noise)
        return torch.where(mask > 0, colours, colours + correction), mask

    def _unet(self, visible: Tensor, noise: Tensor | None) -> Tensor:
        """Return the correction that the guess adds to smooth colours."""
        fine = self.fine(self.stem(F.pixel_unshuffle(visible, 4)))
        middle = self.middle(self.down1(fine))
        x = self.down2(middle)
        if noise is not None:
            x = x + self.noise_projection(noise.to(x.dtype)[..., None, None])
        x = self.coarse(x)
        x = self.middle_back(F.pixel_shuffle(self.up2(x), 2) + middle)
        context = self.contextual_attention(x, visible)
        x = F.pixel_shuffle(self.up1(x), 2)
        x = x + self.contextual_projection(F.pixel_unshuffle(context, 4))
        x = self.fine_back(x + fine)
        x = self.half_back(F.pixel_shuffle(self.upsample2(x), 2))
        x = F.pixel_shuffle(self.upsample1(x), 2)
        correction: Tensor = self.last(torch.cat([x, visible.to(x.dtype), context.to(x.dtype)], 1))
        return correction


def load_painter(path: Path) -> Painter:
    """Read the weights of a painter in full precision.

    Raises:
        InputError: The file holds weights of another network.
    """

    def rename(key: str) -> str:
        return ".".join(RENAMED.get(part, part) for part in key.split("."))

    stored = weights.renamed(read(path), rename, path)
    painter = Painter()
    weights.load_into(painter, stored, path)
    return painter


def pull_push(
    pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n 3 h w"]:
    """Fill holes with the mean colour of the smallest cell that has a visible pixel, smoothly.

    Cells double in side from level to level (Gortler et al., "The Lumigraph", SIGGRAPH 1996).
    Pictures are zero where `keep`, a hard mask, is zero. Pictures without a visible pixel become
    grey.
    """
    pairs = [(pictures, keep)]
    while max(pairs[-1][0].shape[-2:]) > 1:
        colours, share = (F.avg_pool2d(part, 2, ceil_mode=True) for part in pairs[-1])
        pairs.append((colours, share))
    filled = torch.full_like(pairs[-1][0], 0.5)
    for colours, share in reversed(pairs):
        coarser = F.interpolate(filled, colours.shape[-2:], mode="bilinear", align_corners=False)
        filled = torch.where(share > 0, colours / share.clamp(min=1e-9), coarser)
    return filled


def _restore_visible(filled: Tensor, pictures: Tensor, keep: Tensor) -> Tensor:
    """Crop to the size of the pictures and restore the visible pixels."""
    height, width = pictures.shape[-2:]
    return torch.where(keep > 0, pictures, filled[..., :height, :width].to(pictures.dtype))
