"""Random holes like those that our methods make, to train and to test generators with."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Holes = Float[Tensor, "n 1 h w"]
"""1 is visible, 0 is missing."""
CELLS = (4, 8, 16, 32)
"""Pixels of the cells of our methods' masks: grids of 56, 28, 14 and 7 cells at 224 pixels."""


def cells(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Bernoulli cells of one of the sizes, kept with a rate of its own in each mask."""
    found = []
    for rate in _uniform(count, g).mul(0.9).add(0.05).tolist():
        side = CELLS[int(torch.randint(len(CELLS), (1,), generator=g, device=g.device))]
        rows, columns = (max(2, round(n / side)) for n in size)
        coins = _uniform((rows, columns), g) < rate
        found.append(_nearest(coins.float()[None, None], size))
    return torch.cat(found)


def landscapes(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Smooth random hills, above a water level; what optimised masks look like."""
    found = []
    for share in _uniform(count, g).mul(0.9).add(0.05).tolist():
        hills = torch.zeros(1, 1, *size, device=g.device)
        for grid, height in ((4, 2.0), (8, 1.5), (16, 1.0), (28, 0.7)):
            noise = torch.randn(1, 1, grid, grid, generator=g, device=g.device)
            hills = hills + height * F.interpolate(noise, size, mode="bicubic")
        level = hills.flatten().kthvalue(max(1, round(share * hills.numel()))).values
        found.append((hills > level).float())
    return torch.cat(found)


def boxes(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """One to four boxes are missing."""
    found = torch.ones(count, 1, *size, device=g.device)
    h, w = size
    for mask in found:
        for _ in range(int(torch.randint(1, 5, (1,), generator=g, device=g.device))):
            a, b, y, x = _uniform(4, g).tolist()
            tall, wide = max(1, round(h * (0.1 + 0.5 * a))), max(1, round(w * (0.1 + 0.5 * b)))
            top, left = round(y * (h - tall)), round(x * (w - wide))
            mask[:, top : top + tall, left : left + wide] = 0
    return found


def pieces(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """Superpixels of random shape, each kept or not."""
    found = []
    ys, xs = (torch.linspace(0, 1, n, device=g.device) for n in size)
    for rate in _uniform(count, g).mul(0.8).add(0.1).tolist():
        number = int(torch.randint(20, 100, (1,), generator=g, device=g.device))
        centres = _uniform((number, 2), g)
        away = (ys[:, None, None] - centres[:, 0]) ** 2 + (xs[None, :, None] - centres[:, 1]) ** 2
        coins = (_uniform(number, g) < rate).float()
        found.append(coins[away.argmin(2)][None, None])
    return torch.cat(found)


def outlines(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """One large blob with a wavy outline is missing: an object cut out."""
    ys, xs = (torch.linspace(-1, 1, n, device=g.device) for n in size)
    found = []
    for _ in range(count):
        y, x, tall, wide = _uniform(4, g).tolist()
        dy, dx = (ys - y + 0.5) / (0.3 + 0.6 * tall), (xs - x + 0.5) / (0.3 + 0.6 * wide)
        noise = torch.randn(1, 1, 6, 6, generator=g, device=g.device)
        wave = F.interpolate(noise, size, mode="bicubic")[0, 0]
        inside = dy[:, None] ** 2 + dx[None] ** 2 + 0.3 * wave < 1
        found.append(1 - inside.float()[None, None])
    return torch.cat(found)


KINDS: tuple[tuple[Callable[[int, tuple[int, int], torch.Generator], Holes], int], ...] = (
    (cells, 3),
    (landscapes, 3),
    (boxes, 2),
    (pieces, 1),
    (outlines, 2),
)
"""What is drawn, and how often."""


def draw(count: int, size: tuple[int, int], g: torch.Generator) -> Holes:
    """A mixture of all kinds; a fifth of boxes and outlines is turned round, the preserve case."""
    kinds = [kind for kind, weight in KINDS for _ in range(weight)]
    chosen = torch.randint(len(kinds), (count,), generator=g, device=g.device).tolist()
    turned = (_uniform(count, g) < 0.2).tolist()
    found = []
    for number, turn in zip(chosen, turned, strict=True):
        keep = kinds[number](1, size, g)
        found.append(1 - keep if turn and kinds[number] in {boxes, outlines} else keep)
    return torch.cat(found)


def _uniform(shape: int | tuple[int, ...], g: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=g, device=g.device)


def _nearest(mask: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(mask, size, mode="nearest")
