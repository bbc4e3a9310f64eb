"""Backgrounds for whole images, of which each tile is filled in from the rest of its image."""

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.infillers.base import Fill, RowIndex
from unsee.types import Images

SHIFTS = (0.7548776662466927, 0.5698402909980532)
"""Multiples of these, modulo 1, are evenly spread over the unit square (Roberts' R2 sequence)."""


def paint_tiles(fill: Fill, images: Images, tiles: int, sample: int = 0) -> Images:
    """Fill in every tile of a chequered grid, in four rounds.

    A round removes a quarter of the tiles, none adjacent to another, and fills them from the rest
    of the image.

    Args:
        fill: A bound in-filler that uses the visible pixels.
        images: The images to which it is bound.
        tiles: Number of tiles along the shorter side of an image.
        sample: Number of the result. Each has a grid shifted by a part of a tile, 0 is not shifted.
    """
    h, w = images.shape[-2:]
    side = max(1, round(min(h, w) / tiles))
    rows, columns = (
        (torch.arange(n, device=images.device) + int(sample * shift % 1 * side)) // side % 2
        for n, shift in zip((h, w), SHIFTS, strict=True)
    )
    background = torch.zeros_like(images)
    for phase in range(4):
        hole = (2 * rows[:, None] + columns == phase).to(background)
        background = background + hole * fill_all(fill, images, 1 - hole, sample)
    return background


def fill_all(fill: Fill, images: Images, keep: Float[Tensor, "h w"], sample: int = 0) -> Images:
    """Return the backgrounds of all images under the same mask, the `sample`th of each image."""
    image = torch.arange(len(images), device=images.device)
    rows = RowIndex(image, torch.full_like(image, sample), 0)
    with torch.no_grad():
        return fill(keep.expand(len(image), 1, -1, -1), rows)
