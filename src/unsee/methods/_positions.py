"""Whether the cells of a layer's maps lie where the pixels lie that they depend on."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.stages import layer_outputs

EDGES = (0, 1, 3, 5, 7, 9, 11, 13, 14, 15, 16)
"""Borders, in sixteenths of a side, of the cells on the diagonal that are changed one by one."""
BATCH = 5
"""Images in one pass: the one without a change, and some with a changed cell."""
NOISE_CELLS = 8
"""Cells per side of the coarse noise in the image; fine noise of the same amplitude is added."""
NOTHING = 1e-3
"""A cell changes nothing if it changes the map by less than this share of the largest change."""
MIN_PEAK = 2.0
"""Ratio of the largest change to the median one from which a change has a place on the map."""
MIN_SIDE = 4
"""Rows or columns from which a change has a place on the map."""
MIN_PLACES = 5
"""Number of changes with a place from which these are compared with the image."""
MIN_REACH = 0.25
"""Smallest change of a map's border by the border of the image, as a share of its largest change.
"""
CELLS_APART, SHARE_APART = 1.5, 0.1
"""Largest accepted distance of half of the changes from their places, in cells of the map and, if
that is more, as a share of the side: convolutions without padding leave out some pixels."""
SLOPES = (0.55, 2.0)
"""Accepted distance of two changes on the map, as a share of that in the image. At a border, the
map has only one side of a change, so that changes seem closer to its centre."""

Layout = Callable[[Tensor], Tensor]
Profiles = Float[Tensor, "cells _n"]


class Fit(IntEnum):
    """Whether maps have the extent and the places of the image."""

    SAME = 0
    UNKNOWN = 1
    """Each change is everywhere, or the map is too small."""
    OTHER = 2


def probes(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "k c h w"]:
    """Return an image of noise, and others in each of which one cell of the diagonal differs.

    Cells at the borders are small. The values depend on the shape of the images only.
    """
    generator = torch.Generator().manual_seed(1)
    channels, (height, width) = x.shape[1], x.shape[-2:]
    coarse = torch.randn(2, channels, NOISE_CELLS, NOISE_CELLS, generator=generator)
    noise = F.interpolate(coarse, (height, width), mode="nearest")
    noise = (noise + torch.randn(noise.shape, generator=generator)).to(x)
    images = noise[:1].repeat(len(EDGES), 1, 1, 1)
    for image, (top, bottom), (left, right) in zip(
        images[1:], _cells(height), _cells(width), strict=True
    ):
        image[:, top:bottom, left:right] = noise[1, :, top:bottom, left:right]
    return images


def compare(
    network: nn.Module, x: Float[Tensor, "n c h w"], layouts: dict[nn.Module, Layout]
) -> dict[nn.Module, Fit]:
    """Return for each layer whether its maps have the extent and the places of the image.

    Args:
        network: Network in evaluation mode; it is run three times.
        x: Normalised images; only their shape, dtype and device matter.
        layouts: Function from the output of each layer to its maps.
    """
    images, sides = probes(x), (int(x.shape[-2]), int(x.shape[-1]))
    changes: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in layouts}

    def note(module: nn.Module, output: Tensor, count: int) -> None:
        if module in layouts and len(output) == count:
            maps = layouts[module](output).float()
            change = (maps[1:] - maps[:1]).abs().sum(1)
            changes[module].append((change.sum(2).cpu(), change.sum(1).cpu()))

    parts = images[1:].split(BATCH - 1)
    for part in parts:
        batch = torch.cat([images[:1], part])
        layer_outputs(network, batch, partial(note, count=len(batch)))
    return {
        layer: _fit([torch.cat(profiles) for profiles in zip(*changes[layer], strict=True)], sides)
        if len(changes[layer]) == len(parts)
        else Fit.OTHER
        for layer in layouts
    }


def _cells(side: int) -> list[tuple[int, int]]:
    """Return the first pixel of each cell of the diagonal, and that after its last one."""
    edges = [round(edge * side / EDGES[-1]) for edge in EDGES]
    return [(first, max(last, first + 1)) for first, last in pairwise(edges)]


def _fit(profiles: Sequence[Profiles], sides: Sequence[int]) -> Fit:
    """Return whether a map has the extent and the places of the image.

    The map must depend on the first pixels. The last ones may be left out, where they are fewer
    than those of one cell of the map: a stride does not divide the side.

    Args:
        profiles: Change of each row of the map, and of each column, for each changed cell.
        sides: Rows and columns of the image in pixels.
    """
    total = profiles[0].sum(1)
    if not total.isfinite().all() or not total.any():
        return Fit.UNKNOWN
    visible = (total > NOTHING * total.max()).nonzero()[:, 0]
    axes = [(part[visible], _cells(side), side) for part, side in zip(profiles, sides, strict=True)]
    ends = [(cells[int(visible[-1])][1], side, part.shape[1]) for part, cells, side in axes]
    if visible[0] > 0 or all(side - end > max(1.0, end / count) for end, side, count in ends):
        return Fit.OTHER
    centres = [torch.tensor(cells, dtype=torch.float32).mean(1) / n for _, cells, n in axes]
    is_whole = len(visible) == len(total)
    return max(
        _fit_along(part, centre[visible], is_whole=is_whole)
        for (part, _, _), centre in zip(axes, centres, strict=True)
    )


def _fit_along(profiles: Profiles, centres: Tensor, *, is_whole: bool) -> Fit:
    """Return whether changes have their places along one axis, and reach the borders of the map.

    Args:
        profiles: Change of each row of the map for each cell that changes something.
        centres: Centres of those cells, as shares of the side.
        is_whole: Whether the last pixels change something.
    """
    if profiles.shape[1] < MIN_SIDE:
        return Fit.UNKNOWN
    own = _own(profiles)
    least = MIN_REACH * own.amax(1)
    if own[0, 0] < least[0] or (is_whole and own[-1, -1] < least[-1]):
        return Fit.OTHER
    places = _places(own)
    is_local = places.isfinite()
    if is_local.sum() < MIN_PLACES:
        return Fit.UNKNOWN
    return _fit_of(places[is_local], centres[is_local], own.shape[1])


def _fit_of(places: Tensor, expected: Tensor, count: int) -> Fit:
    """Return whether changes are where they are expected, on a map with `count` cells a side."""
    apart = (places - expected).abs() > max(CELLS_APART / count, SHARE_APART)
    centred = expected - expected.mean()
    slope = float(centred @ (places - places.mean()) / centred.square().sum())
    fits = apart.float().mean() < 0.5 and SLOPES[0] < slope < SLOPES[1]
    return Fit.SAME if fits else Fit.OTHER


def _own(profiles: Profiles) -> Profiles:
    """Return each change without what all have in common, such as a gate by the mean of the map."""
    share = profiles / profiles.sum(1, keepdim=True)
    return share / share.mean(0).clamp(min=share.mean())


def _places(own: Profiles) -> Float[Tensor, " cells"]:
    """Return where each change lies, as a share of the side; NaN where it is everywhere."""
    largest = own.amax(1)
    peak = (own - largest[:, None] / 2).clamp(min=0)
    centres = (torch.arange(own.shape[1]) + 0.5) / own.shape[1]
    is_local = largest > MIN_PEAK * own.median(1).values
    return torch.where(is_local, (peak @ centres) / peak.sum(1), torch.nan)
