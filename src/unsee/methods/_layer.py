"""Choice of the layer for class activation maps, in convolutional networks and transformers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.methods._influence import Influence
from unsee.methods._positions import Fit, compare
from unsee.networks.stages import layer_outputs

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
"""Number of layers, and of those that contain most others, that are tried in turn until one reaches
the logits."""

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
    block: str = ""
    """Name of the block of a transformer that begins with this layer; empty for other layers."""


class _Map(NamedTuple):
    """An output that has the shape of a map."""

    layout: Layout
    is_ordered: bool


def find(network: nn.Module, x: Float[Tensor, "n c h w"], name: str = "") -> Layer:
    """Return the layer of this name or, without a name, the last one whose output is a map.

    An output is a map if its first axis is that of the images and if its rows and columns have the
    proportions of the image. By default, a layer is also late in the network and reaches the
    logits, and where a change of a quarter of the image moves on the map, it moves to that quarter.
    This is measured with images of noise, so that the result depends on the network and the
    size of the images only.

    In a transformer, the default is the first norm of the last block: the outputs of later layers
    reach the logits through the class token only.

    A layer is refused as the default if changes of single cells of the image lie elsewhere on the
    map, or if too little of the logits goes through it: the network crops, pads or moves the
    image, or is one of several.

    Args:
        network: Network in evaluation mode; it is run a few times for the default, else once.
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
    late = [layer for layer in layers if layer.is_late]
    candidates = _by_preference([layer for layer in late if layer.is_ordered])
    if not candidates:
        names = [layer.name for layer in layers[-3:]]
        hint = f"; name one of the others: layer={' or layer='.join(names)}" if names else ""
        raise InputError(
            "this network has no late layer with a spatial output; class activation maps need "
            f"one{hint}"
        )
    is_doubtful = not _by_preference(late)[0].is_ordered
    placed = _placed(network, x, candidates, is_doubtful=is_doubtful)
    return _influential(network, x, placed)


def _placed(
    network: nn.Module, x: Tensor, layers: Sequence[Layer], *, is_doubtful: bool
) -> list[Layer]:
    """Return the layers whose cells lie where the pixels lie, in the same order.

    A layer in which changes have no place is accepted too, unless that is doubtful, as it is after
    a layer that is out of place.
    """
    layouts = {layer.module: layer.spatial or _identity for layer in layers}
    fits = compare(network, x, layouts)
    placed = []
    for layer in layers:
        fit = fits[layer.module]
        is_doubtful |= fit is Fit.OTHER
        if fit is Fit.SAME or (fit is Fit.UNKNOWN and not is_doubtful):
            placed.append(layer)
    if not placed:
        raise InputError(
            "this network has no layer whose positions are those of the image, as if it cropped, "
            "padded or moved images inside; class activation maps need one (crop and pad before "
            "the network, with its framing)"
        )
    return placed


def _influential(network: nn.Module, x: Tensor, layers: Sequence[Layer]) -> Layer:
    """Return the first layer through which a large part of the logits goes."""
    influence = Influence(network, x)
    if not influence.has_change:
        return layers[0]
    others = sorted(layers[MAX_TRIALS:], key=lambda layer: layer.name.count("."))
    for layer in [*layers[:MAX_TRIALS], *others[:MAX_TRIALS]]:
        if influence.of_maps(layer.module, layer.spatial) and influence.of_all(
            network.get_submodule(layer.block) if layer.block else layer.module
        ):
            return layer
    raise InputError(
        "this network has no layer with a spatial output that most of its outputs go through, as "
        "if it were several networks; class activation maps need one (name it with layer=NAME)"
    )


def _by_preference(layers: Sequence[Layer]) -> list[Layer]:
    """Return the first norms of blocks that have at least two, then all others, last ones first."""
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        if isinstance(layer.module, nn.LayerNorm):
            blocks.setdefault(layer.name.rpartition(".")[0], []).append(layer)
    norms = {block[0]: name for name, block in reversed(blocks.items()) if len(block) >= 2}
    in_blocks = [replace(layer, block=name) for layer, name in norms.items()]
    return in_blocks + [layer for layer in reversed(layers) if layer not in norms]


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
