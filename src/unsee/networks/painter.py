"""The generator of the in-fillers `painter` and `painter_small`."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks import weights
from unsee.networks.painter_layers import Block, SelfAttention
from unsee.networks.patches import LARGE, copy_nearest_patches
from unsee.networks.reading import Weights, read
from unsee.networks.refinement import GRIDS, RefinementHead

STRIDE = 16
"""Pixels; sides are padded to a multiple of it."""
CELL = 4
"""Side in pixels of what a place of the U-net's finest map covers."""
NEIGHBOURHOOD = 17
"""Side, in cells of 4 pixels, of the square around a pixel whose visible share is its nearness."""
FAR_BELOW = 0.25
"""Nearness below which pixels are filled at half of the size."""
MIN_SIDE = 48
"""Pixels; pictures with a shorter side are filled at one size."""
REFINEMENT_CHANNELS = 48
"""Channels of the network that mixes patches with the guess."""
EXPANSIONS = (2, 3, 3)
"""Hidden channels of a block, relative to its width, for each of the three maps."""


class Size(NamedTuple):
    """Size of a painter."""

    widths: tuple[int, int, int, int]
    """Channels of the maps of 1/2, 1/4, 1/8 and 1/16 of the picture's size."""
    encoder: tuple[int, int]
    """Blocks of the encoder at 1/4 and 1/8."""
    coarse: int
    """Layers of self-attention at 1/16."""
    decoder: tuple[int, int]
    """Blocks of the decoder at 1/4 and 1/8."""
    coarse_blocks: int = 2
    """Blocks at 1/16 before each self-attention."""
    copies: bool = False
    """Whether visible patches are copied near visible pixels (`RefinementHead`)."""


SIZES: Mapping[str, Size] = {
    "small": Size((16, 32, 64, 160), (1, 1), 2, (1, 0), coarse_blocks=0),
    "large": Size((32, 64, 128, 256), (2, 3), 4, (4, 4), copies=True),
}
"""Sizes by name. The small one costs a forward pass of EfficientNet-Lite0."""
NOISE = 4
"""Channels of the noise."""


class Painter(nn.Module):
    """Fill holes of pictures (n, 3, h, w) in [0, 1] of any size.

    Pull-push interpolation fills the holes with smooth colours. A U-net over maps of 1/2, 1/4, 1/8
    and 1/16 of the size, with self-attention at the coarsest one, adds to these colours. Noise
    enters at the maps of its decoder, so that texture need not repeat and one hole has many
    results.

    With `size.copies` the result of the U-net is a guess. The patches nearest to it are copied over
    it, from large to small ones; the last two are mixed with it (`RefinementHead`).

    Pixels far from visible ones are filled first, in the same way at half of the size, and then
    shown to the network, and copied, as if they were visible. Where nothing is visible, a network
    repeats itself and would draw a grid.

    Removed pixels are set to zero first.

    Args:
        size: Widths and depths.
        noise: Channels of the noise.
    """

    def __init__(self, size: Size = SIZES["small"], noise: int = NOISE) -> None:
        super().__init__()
        half, fine, middle, coarse = size.widths
        self.noise = noise
        self.stem = nn.Conv2d(4, fine, 2 * CELL, CELL, padding=CELL // 2)
        self.half_stem = nn.Conv2d(4, half, 4, 2, padding=1)
        self.colours = nn.Conv2d(3, fine, 1, bias=False)
        self.fine = _blocks(fine, size.encoder[0], EXPANSIONS[0])
        self.down1 = nn.Conv2d(fine, middle, 2, 2)
        self.middle = _blocks(middle, size.encoder[1], EXPANSIONS[1])
        self.down2 = nn.Conv2d(middle, coarse, 2, 2)
        self.coarse = nn.Sequential(
            *(
                nn.Sequential(
                    *_blocks(coarse, size.coarse_blocks, EXPANSIONS[2]), SelfAttention(coarse)
                )
                for _ in range(size.coarse)
            )
        )
        self.up2 = nn.Conv2d(coarse, middle * 4, 1)
        self.middle_back = _blocks(middle, size.decoder[1], EXPANSIONS[1])
        self.up1 = nn.Conv2d(middle, fine * 4, 1)
        self.fine_back = _blocks(fine, size.decoder[0], EXPANSIONS[0])
        self.noises = nn.ModuleList(
            nn.Conv2d(noise, width, 1, bias=False) for width in size.widths[1:]
        )
        self.up_half = nn.Conv2d(fine, half * 4, 1)
        self.half_size = nn.Conv2d(half, half, 3, padding=1)
        self.last = nn.Conv2d(half, 3 * 4, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.normal_(parameter, std=0.02)
        self.refinement = RefinementHead(REFINEMENT_CHANNELS) if size.copies else None

    def noise_shape(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """Return the shape of a picture's noise."""
        height, width = ((side + -side % STRIDE) // CELL for side in size)
        return self.noise, height, width

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z _h _w"],
    ) -> Float[Tensor, "n 3 h w"]:
        """Return the pictures with their holes (`keep = 0`) filled.

        Args:
            pictures: Pictures; their removed pixels have no influence.
            keep: Hard masks.
            noise: Standard normal numbers of `noise_shape`.
        """
        shown, seen = pictures * keep, keep
        far = (nearness(keep) < FAR_BELOW) & (keep == 0)
        rows = far.flatten(1).any(1).nonzero()[:, 0]
        if min(pictures.shape[-2:]) > MIN_SIDE and len(rows):
            parts = (part.index_select(0, rows) for part in (shown, keep, noise))
            coarse = torch.zeros_like(shown).index_copy_(0, rows, self._at_half_size(*parts))
            added = far.to(keep)
            shown, seen = torch.lerp(shown, coarse, added), keep + added
        return self.at_one_size(shown, seen, noise)

    def at_one_size(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        noise: Float[Tensor, "n z _h _w"],
    ) -> Float[Tensor, "n 3 h w"]:
        """Return the result of `forward` without another size for far pixels."""
        height, width = pictures.shape[-2:]
        border = (0, -width % STRIDE, 0, -height % STRIDE)
        visible = torch.cat([(pictures - 0.5) * keep, keep], 1)
        if any(border):
            visible = F.pad(visible, border, "replicate")
        visible = visible.contiguous(memory_format=torch.channels_last)
        filled, mask = self._unet(visible, noise) + 0.5, visible[:, 3:]
        if self.refinement is not None:
            filled = self._refined(torch.where(mask > 0, visible[:, :3] + 0.5, filled), mask)
        filled = filled[..., :height, :width].to(pictures.dtype)
        return torch.lerp(filled, pictures, keep)  # `where`, and ten times as fast

    @torch.no_grad()
    def _at_half_size(self, pictures: Tensor, keep: Tensor, noise: Tensor) -> Tensor:
        """Return the result for the pictures at half of their size, enlarged.

        A pixel of that size is visible if one of its pixels is; its colour is the mean of the
        visible ones. The noise is that of the coarser maps at full size, with some places repeated
        where sizes are no multiples.
        """
        share = F.avg_pool2d(keep, 2, ceil_mode=True)
        colours = F.avg_pool2d(pictures, 2, ceil_mode=True) / share.clamp(min=0.25)
        shape = self.noise_shape((colours.shape[-2], colours.shape[-1]))[1:]
        halved = F.interpolate(2 * F.avg_pool2d(noise, 2), shape)
        filled = self(colours, (share > 0).to(keep), halved).clamp(0, 1)
        size = pictures.shape[-2:]
        # The kernel with `antialias` is twice as fast on CPUs, more so on contiguous planes.
        larger = F.interpolate(filled.contiguous(), size, mode="bicubic", antialias=True)
        return larger.clamp(0, 1)

    def _refined(self, guess: Tensor, mask: Tensor) -> Tensor:
        """Return the guess after patches were copied over it, from large to small.

        The largest patches are compared mainly by their visible pixels. Their copies have no
        gradient: they are left out while the network is trained.
        """
        filled = guess
        if not self.training:
            copied = copy_nearest_patches(guess, mask, LARGE).pictures
            filled = torch.where(mask > 0, guess, copied)
        for number in range(len(GRIDS)):
            refined: Tensor = self.refinement(filled, mask, number)  # type: ignore[misc]
            filled = torch.where(mask > 0, guess, refined)
        return filled

    def _unet(self, visible: Tensor, noise: Tensor) -> Tensor:
        """Return smooth colours plus the correction of the network; grey is zero."""
        colours = pull_push(*F.avg_pool2d(visible, CELL).split((3, 1), 1))
        fine = self.fine(self.stem(visible).add_(self.colours(colours)))
        middle = self.middle(self.down1(fine))
        # sums of four independent numbers, divided by the square root of four
        noise2 = F.avg_pool2d(noise, 2) * 2
        noise4 = F.avg_pool2d(noise2, 2) * 2
        x = self.coarse(self.down2(middle).add_(self.noises[2](noise4)))
        x = F.pixel_shuffle(self.up2(x), 2).add_(middle).add_(self.noises[1](noise2))
        x = F.pixel_shuffle(self.up1(self.middle_back(x)), 2).add_(fine).add_(self.noises[0](noise))
        x = F.pixel_shuffle(self.up_half(self.fine_back(x)), 2).add_(self.half_stem(visible))
        x = self.last(F.relu(self.half_size(F.relu(x, inplace=True)), inplace=True))
        smooth = F.interpolate(colours, x.shape[-2:], mode="bilinear", align_corners=False)
        filled: Tensor = F.pixel_shuffle(smooth.repeat_interleave(4, 1) + x, 2)
        return filled


def load_painter(path: Path) -> Painter:
    """Read the weights of a painter of any size in full precision.

    Raises:
        InputError: The file holds weights of another network.
    """
    stored = read(path)
    painter = Painter(*_size_of(stored))
    weights.load_into(painter, stored, path)
    return painter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def nearness(keep: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
    """Return twice the visible share of each pixel's neighbourhood, at most 1."""
    cells = F.avg_pool2d(keep, CELL, ceil_mode=True)
    edge = NEIGHBOURHOOD // 2
    share = F.avg_pool2d(cells, (NEIGHBOURHOOD, 1), 1, (edge, 0), count_include_pad=False)
    share = F.avg_pool2d(share, (1, NEIGHBOURHOOD), 1, (0, edge), count_include_pad=False)
    size = keep.shape[-2:]
    return F.interpolate((2 * share).clamp(max=1), size, mode="bilinear", align_corners=False)


def pull_push(
    pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n 3 h w"]:
    """Fill holes with the mean colour of the smallest cell that has a visible pixel, smoothly.

    Cells double in side from level to level (Gortler et al., "The Lumigraph", SIGGRAPH 1996).
    Pictures without a visible pixel become zero.

    Args:
        pictures: Colours times the visible share of each place.
        keep: Visible share of each place.
    """
    pairs = [(pictures, keep)]
    while max(pairs[-1][0].shape[-2:]) > 1:
        colours, share = (F.avg_pool2d(part, 2, ceil_mode=True) for part in pairs[-1])
        pairs.append((colours, share))
    filled = torch.zeros_like(pairs[-1][0])
    for colours, share in reversed(pairs):
        coarser = F.interpolate(filled, colours.shape[-2:], mode="bilinear", align_corners=False)
        filled = torch.where(share > 0, colours / share.clamp(min=1e-9), coarser)
    return filled


def _blocks(channels: int, depth: int, expansion: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels, expansion) for _ in range(depth)))


def _size_of(stored: Weights) -> tuple[Size, int]:
    """Return the size of a painter with these weights, and the channels of its noise."""
    names = ("half_size", "stem", "down1", "down2")
    keys = [f"{name}.bias" for name in names]
    if not all(key in stored for key in (*keys, "noises.0.weight")):
        return SIZES["small"], NOISE  # other weights: `load_into` says what is missing

    def count(name: str) -> int:
        """Return the number of layers that are numbered after a name."""
        rest = (key.removeprefix(f"{name}.") for key in stored if key.startswith(f"{name}."))
        return 1 + max((int(place.split(".")[0]) for place in rest), default=-1)

    half, fine, middle, coarse = (len(stored[key]) for key in keys)
    size = Size(
        (half, fine, middle, coarse),
        (count("fine"), count("middle")),
        count("coarse"),
        (count("fine_back"), count("middle_back")),
        count("coarse.0") - 1,  # the last one is self-attention
        "refinement.pass_embedding" in stored,
    )
    return size, stored["noises.0.weight"].shape[1]
