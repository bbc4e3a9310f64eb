"""The painter's refinement: visible patches copied over a guess, mixed by a small network."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.painter_layers import residual_blocks
from unsee.networks.patches import MEDIUM, SMALL, copy_nearest_patches

GRIDS = MEDIUM, SMALL
"""Patches that each pass copies."""


class RefinementHead(nn.Module):
    """Mix a guess with the visible patches nearest to it, and add a correction.

    The same weights serve all passes; an embedding distinguishes them. The network sees the guess,
    the patches, the mask and the misfit, and not the features of the U-net.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pass_embedding = nn.Parameter(torch.zeros(len(GRIDS), channels))
        self.stem = nn.Conv2d(16 * 8, channels, 3, padding=1)
        self.blocks = residual_blocks(channels, 3)
        self.upsample = nn.Conv2d(channels, 16 * 8, 1)
        last = nn.Conv2d(16, 4, 3, padding=1)
        nn.init.normal_(last.weight, std=0.003)
        # before training the result is mostly the patches
        last.bias = nn.Parameter(torch.tensor([0.0, 0.0, 0.0, 2.0]))
        self.last = nn.Sequential(nn.Conv2d(8 + 8, 16, 3, padding=1), nn.SiLU(), last)

    def forward(
        self,
        guess: Float[Tensor, "n 3 h w"],
        keep: Float[Tensor, "n 1 h w"],
        number: int,
    ) -> Float[Tensor, "n 3 h w"]:
        """Return refined pictures.

        Args:
            guess: Pictures; the original where `keep` is 1.
            keep: 1 for visible pixels.
            number: Number of the pass, which chooses the size of the patches.
        """
        patches, misfit = copy_nearest_patches(guess.detach(), keep, GRIDS[number])
        inputs = torch.cat([guess * 2 - 1, patches * 2 - 1, keep * 2 - 1, misfit * 4], 1)
        inputs = inputs.to(self.stem.weight.dtype)
        x = self.stem(F.pixel_unshuffle(inputs, 4))
        x = self.blocks(x + self.pass_embedding[number][:, None, None].to(x.dtype))
        x = torch.cat([F.pixel_shuffle(self.upsample(x), 4), inputs], 1)
        output = self.last(x).float()
        mixed: Tensor = torch.lerp(guess.float(), patches, output[:, 3:].sigmoid())
        return mixed + output[:, :3]
