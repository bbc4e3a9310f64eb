"""Random holes like those that perturbation methods make, to train and test in-fillers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Holes = Float[Tensor, "n 1 h w"]
"""Masks: 1 is visible, 0 is missing."""
CELL_SIDES = (4, 8, 16, 32)
"""Sides of grid cells in pixels: grids of 56, 28, 14 and 7 cells at 224 pixels."""
OCTAVES = ((4, 2.0), (8, 1.5), (16, 1.0), (28, 0.7))
"""Grid sides and amplitudes of the noise whose sum is thresholded by `smooth_regions`."""
INVERTED_SHARE = 0.2
"""Share of boxes and outlines that stay visible while everything else is missing."""


def grid_cells(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw masks of independent grid cells.

    The cell size and the probability that a cell is visible are drawn for each mask.
    """
    masks = []
    for rate in _uniform(count, g).mul(0.9).add(0.05).tolist():
        side = CELL_SIDES[int(torch.randint(len(CELL_SIDES), (1,), generator=g, device=g.device))]
        rows, columns = (max(2, round(n / side)) for n in size)
        visible = _uniform((rows, columns), g) < rate
        masks.append(F.interpolate(visible.float()[None, None], size, mode="nearest"))
    return torch.cat(masks)


def smooth_regions(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw smooth regions, like optimised masks: multi-scale noise above a random quantile."""
    masks = []
    for share in _uniform(count, g).mul(0.9).add(0.05).tolist():
        values = torch.zeros(1, 1, *size, device=g.device)
        for grid, amplitude in OCTAVES:
            noise = torch.randn(1, 1, grid, grid, generator=g, device=g.device)
            values = values + amplitude * F.interpolate(noise, size, mode="bicubic")
        threshold = values.flatten().kthvalue(max(1, round(share * values.numel()))).values
        masks.append((values > threshold).float())
    return torch.cat(masks)


def boxes(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw masks with one to four missing boxes."""
    masks = torch.ones(count, 1, *size, device=g.device)
    h, w = size
    for mask in masks:
        for _ in range(int(torch.randint(1, 5, (1,), generator=g, device=g.device))):
            a, b, y, x = _uniform(4, g).tolist()
            height, width = max(1, round(h * (0.1 + 0.5 * a))), max(1, round(w * (0.1 + 0.5 * b)))
            top, left = round(y * (h - height)), round(x * (w - width))
            mask[:, top : top + height, left : left + width] = 0
    return masks


def voronoi_cells(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw masks of independent Voronoi cells, which stand for superpixels."""
    masks = []
    ys, xs = (torch.linspace(0, 1, n, device=g.device) for n in size)
    for rate in _uniform(count, g).mul(0.8).add(0.1).tolist():
        number = int(torch.randint(20, 100, (1,), generator=g, device=g.device))
        centres = _uniform((number, 2), g)
        distance = (ys[:, None, None] - centres[:, 0]) ** 2
        distance = distance + (xs[None, :, None] - centres[:, 1]) ** 2
        visible = (_uniform(number, g) < rate).float()
        masks.append(visible[distance.argmin(2)][None, None])
    return torch.cat(masks)


def outlines(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw masks with one large missing blob of wavy outline, like an object that was cut out."""
    ys, xs = (torch.linspace(-1, 1, n, device=g.device) for n in size)
    masks = []
    for _ in range(count):
        y, x, height, width = _uniform(4, g).tolist()
        dy, dx = (ys - y + 0.5) / (0.3 + 0.6 * height), (xs - x + 0.5) / (0.3 + 0.6 * width)
        noise = torch.randn(1, 1, 6, 6, generator=g, device=g.device)
        wave = F.interpolate(noise, size, mode="bicubic")[0, 0]
        inside = dy[:, None] ** 2 + dx[None] ** 2 + 0.3 * wave < 1
        masks.append(1 - inside.float()[None, None])
    return torch.cat(masks)


KINDS: tuple[tuple[Callable[[int, tuple[int, int], torch.Generator], Holes], int], ...] = (
    (grid_cells, 5),
    (smooth_regions, 3),
    (boxes, 1),
    (voronoi_cells, 2),
    (outlines, 1),
)
"""Kinds of holes with their relative frequency in `draw`."""


def draw(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Draw a mixture of all kinds of holes; `INVERTED_SHARE` of boxes and outlines are inverted."""
    kinds = [kind for kind, frequency in KINDS for _ in range(frequency)]
    numbers = torch.randint(len(kinds), (count,), generator=g, device=g.device).tolist()
    inverted = (_uniform(count, g) < INVERTED_SHARE).tolist()
    masks = []
    for number, invert in zip(numbers, inverted, strict=True):
        keep = kinds[number](1, size, g)
        masks.append(1 - keep if invert and kinds[number] in {boxes, outlines} else keep)
    return torch.cat(masks)


def _uniform(shape: int | tuple[int, ...], g: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=g, device=g.device)
