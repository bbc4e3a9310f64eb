"""Choice of the layer for class activation maps, in convolutional networks and transformers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers.passes import unwrapped
from unsee.errors import InputError
from unsee.networks.stages import layer_outputs, of_this_thread

MAX_PREFIX_TOKENS = 8
"""Maximum number of tokens before those of the image (class token, registers)."""
PROBES = 3
"""Number of images in the pass that finds the maps; odd and small, so that the axis of images
differs from the others."""
PROBE_CELLS = 8
"""Cells per side of the coarse noise that the probes consist of."""
MIN_DISPLACEMENT = 0.2
"""A change of the image that is displaced less than this on a map does not show its order."""
MIN_RATIO = 0.2
"""Smallest ratio of the displacements upwards and to the right on a map in the right order."""
LATE = 1 / 3
"""Share of the network's modules that have finished with a layer that counts as late."""
MAX_TRIALS = 8
"""Number of layers that are tried in turn until one reaches the logits."""

Layout = Callable[[Tensor], Tensor]
"""Function from the output of a module to feature maps (n, channels, rows, columns)."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer, and the conversion of its output to feature maps (n, channels, rows, columns)."""

    name: str
    module: nn.Module
    spatial: Layout | None
    """Function from the output to feature maps; None if it has that shape already."""
    is_late: bool
    """Whether `LATE` of the network's modules have finished when this one has."""
    is_ordered: bool
    """Whether no change of the image contradicts the order of rows and columns."""


class _Map(NamedTuple):
    """An output that has the shape of a map."""

    layout: Layout
    is_ordered: bool


def find(network: nn.Module, x: Float[Tensor, "n c h w"], name: str = "") -> Layer:
    """Return the layer of this name or, without a name, the last one whose output is a map.

    An output is a map if its first axis is that of the images and if its rows and columns have the
    proportions of the image. By default, a layer is also late in the network and reaches the
    logits, and where a change of a quarter of the image moves on the map, it moves to that quarter.
    This is measured with three images of noise, so that the result depends on the network and the
    size of the images only.

    In a transformer, the default is the first norm of the last block: the outputs of later layers
    reach the logits through the class token only.

    Args:
        network: Network in evaluation mode; it is run once, or a few times for the default.
        x: Normalised images; only their shape, dtype and device matter.
        name: Qualified name of a module, or empty.

    Raises:
        InputError: There is no such layer; the message lists names.
    """
    probes = _probes(x)
    layers = _maps(network, probes)
    if name:
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        matches = get_close_matches(name, names, 5, 0.3) or names[-5:]
        hint = f"; try {', '.join(matches)}" if matches else ""
        raise InputError(f"no layer {name!r} with a spatial output{hint}")
    candidates = _by_preference([layer for layer in layers if layer.is_late and layer.is_ordered])
    if not candidates:
        names = [layer.name for layer in layers[-3:]]
        hint = f"; name one of the others: layer={' or layer='.join(names)}" if names else ""
        raise InputError(
            "this network has no late layer with a spatial output; class activation maps need "
            f"one{hint}"
        )
    trials = candidates[:MAX_TRIALS]
    return next((layer for layer in trials if _reaches(network, probes, layer)), candidates[0])


def _by_preference(layers: Sequence[Layer]) -> list[Layer]:
    """Return the first norms of blocks that have at least two, then all others, last ones first."""
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        if isinstance(layer.module, nn.LayerNorm):
            blocks.setdefault(layer.name.rpartition(".")[0], []).append(layer)
    norms = [block[0] for block in reversed(blocks.values()) if len(block) >= 2]
    return norms + [layer for layer in reversed(layers) if layer not in norms]


def _reaches(network: nn.Module, probes: Tensor, layer: Layer) -> bool:
    """Return whether the logits change if the layer's maps are exchanged between the probes."""

    def exchange(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        output = output.clone()
        maps = layer.spatial(output) if layer.spatial else output
        maps.copy_(maps.roll(1, 0))  # a view of the output: other tokens keep their values
        return output

    with torch.no_grad():
        before = unwrapped(network(probes))
        handle = layer.module.register_forward_hook(of_this_thread(exchange))
        try:
            after = unwrapped(network(probes))
        finally:
            handle.remove()
    return not torch.equal(before, after)


def _maps(network: nn.Module, probes: Tensor) -> list[Layer]:
    """Return the layers whose outputs have the shape of maps, in the order of completion."""
    size = (int(probes.shape[-2]), int(probes.shape[-1]))
    outputs = layer_outputs(network, probes, partial(_map, size=size))
    layers = []
    for number, output in enumerate(outputs):
        if output.note is not None:
            spatial = None if output.note.layout is _identity else output.note.layout
            is_late = number + 1 >= LATE * len(outputs)
            ordered = output.note.is_ordered
            layers.append(Layer(output.name, output.module, spatial, is_late, ordered))
    return layers


def _probes(x: Tensor) -> Float[Tensor, "3 c h w"]:
    """Return noise, the same with another upper right quarter, and with another lower left one."""
    generator = torch.Generator().manual_seed(0)
    cells = torch.randn(PROBES, x.shape[1], PROBE_CELLS, PROBE_CELLS, generator=generator)
    noise = F.interpolate(cells, x.shape[-2:], mode="nearest").to(x)
    probes = noise[:1].repeat(PROBES, 1, 1, 1)
    upper, left = x.shape[-2] // 2, x.shape[-1] // 2
    probes[1, :, :upper, left:] = noise[1, :, :upper, left:]
    probes[2, :, upper:, :left] = noise[2, :, upper:, :left]
    return probes


def _map(module: nn.Module, output: Tensor, size: tuple[int, int]) -> _Map | None:
    """Return how an output for the probes is read as a map; None if it has another shape."""
    best: tuple[float, _Map] | None = None
    for layout in _layouts(tuple(output.shape), size):
        upwards, rightwards = _displacements(layout(output))
        low, high = sorted((upwards, rightwards))
        is_ordered = max(high, -low) < MIN_DISPLACEMENT or low > MIN_RATIO * high
        if best is None or low > best[0]:
            best = low, _Map(layout, is_ordered)
    return best and best[1]


def _layouts(shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[Layout]:
    """Yield the conversions to maps that the shape of an output for the probes permits."""
    if shape[0] != PROBES:  # windows, patches or heads are among the images
        return
    if len(shape) == 4:
        if _has_proportions(shape[2:], size):
            yield _identity
        if _has_proportions(shape[1:3], size):
            yield _channels_first
    elif len(shape) == 3 and (grid := _grid(shape[1], size)):
        yield partial(_tokens_to_maps, grid=grid)


def _has_proportions(grid: Sequence[int], size: tuple[int, int]) -> bool:
    """Return whether rows and columns have the proportions of the image, but for rounding."""
    (rows, columns), (height, width) = grid, size
    if min(rows, columns) < 2:
        return False
    scale = (rows * columns / (height * width)) ** 0.5
    return abs(rows - height * scale) < 1 and abs(columns - width * scale) < 1


def _grid(tokens: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return the rows and columns of an image's tokens, which may follow a few others."""
    for prefix in range(MAX_PREFIX_TOKENS + 1):
        cells = tokens - prefix
        rows = round((max(cells, 0) * size[0] / size[1]) ** 0.5)
        if rows > 1 and cells % rows == 0 and rows * size[1] == cells // rows * size[0]:
            return rows, cells // rows
    return None


def _displacements(maps: Float[Tensor, "3 c h w"]) -> tuple[float, float]:
    """Return how far the changes of the two quarters lie apart on maps of the probes.

    The distance between the mean positions of the two changes, upwards and to the right. Rows and
    columns range from -1 to 1, so that changes of exactly these quarters are 1 apart.
    """
    change = (maps[1:] - maps[:1]).float().abs().sum(1)
    share = change / change.sum((1, 2), keepdim=True)
    apart = (share[0] - share[1]).nan_to_num()  # NaN where nothing changes
    rows, columns = (torch.linspace(-1, 1, n, device=maps.device) for n in apart.shape)
    return -(apart.sum(1) @ rows).item(), (apart.sum(0) @ columns).item()


def _identity(output: Tensor) -> Tensor:
    return output


def _channels_first(output: Tensor) -> Tensor:
    return output.permute(0, 3, 1, 2)


def _tokens_to_maps(output: Tensor, grid: tuple[int, int]) -> Tensor:
    rows, columns = grid
    return output[:, -rows * columns :].mT.unflatten(2, grid)
