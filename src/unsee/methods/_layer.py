"""Choice of the layer for class activation maps, in convolutional networks and transformers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from torch import Tensor, nn

from unsee.errors import InputError
from unsee.networks.stages import LayerOutput, layer_outputs

MAX_PREFIX_TOKENS = 8
"""Maximum number of tokens before those of the image (class token, registers)."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer, and the conversion of its output to feature maps (n, channels, rows, columns)."""

    name: str
    module: nn.Module
    spatial: Callable[[Tensor], Tensor] | None
    """Function from the output to feature maps; None if it has that shape already."""


def find(network: nn.Module, x: Tensor, name: str = "") -> Layer:
    """Return the layer of this name or, without a name, the last one with a spatial output.

    In a transformer, the default is the first norm of the last block: the outputs of later layers
    reach the logits through the class token only.

    Args:
        network: Network in evaluation mode; it is run once.
        x: Normalised images (n, c, h, w).
        name: Qualified name of a module, or empty.

    Raises:
        InputError: There is no such layer; the message lists similar names.
    """
    layers = _spatial_layers(network, x)
    if name:
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        matches = get_close_matches(name, names, 5, 0.3) or names[-5:]
        raise InputError(f"no layer {name!r} with a spatial output; try {', '.join(matches)}")
    if not layers:
        raise InputError(
            "this network has no layer with a spatial output; class activation maps need one"
        )
    return _first_norm_of_last_block(layers) or layers[-1]


def _first_norm_of_last_block(layers: Sequence[Layer]) -> Layer | None:
    """Return the first norm of the last block that has at least two, if there is such a block."""
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        if isinstance(layer.module, nn.LayerNorm):
            blocks.setdefault(layer.name.rpartition(".")[0], []).append(layer)
    candidates = [norms for norms in blocks.values() if len(norms) >= 2]
    return candidates[-1][0] if candidates else None


def _spatial_layers(network: nn.Module, x: Tensor) -> list[Layer]:
    """Return the layers whose outputs are feature maps, in the order of completion."""
    size = (int(x.shape[-2]), int(x.shape[-1]))
    layers = []
    for output in layer_outputs(network, x):
        spatial = _spatial(output, size)
        if spatial is not None:
            spatial = None if spatial is _identity else spatial
            layers.append(Layer(output.name, output.module, spatial))
    return layers


def _spatial(output: LayerOutput, size: tuple[int, int]) -> Callable[[Tensor], Tensor] | None:
    """Return the function from an output to feature maps; None if it has no spatial axes."""
    shape, is_norm = output.shape, isinstance(output.module, nn.LayerNorm)
    if len(shape) == 4:
        channels_last = is_norm and output.module.normalized_shape == shape[-1:]
        if channels_last and shape[1] != shape[-1]:
            return _channels_first
        return _identity if shape[2] * shape[3] > 1 else None
    if len(shape) == 3 and is_norm:
        grid = _grid(shape[1], size)
        return partial(_tokens_to_maps, grid=grid) if grid else None
    return None


def _grid(tokens: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return the rows and columns of an image's tokens, which may follow a few others."""
    for prefix in range(MAX_PREFIX_TOKENS + 1):
        cells = tokens - prefix
        rows = round((max(cells, 0) * size[0] / size[1]) ** 0.5)
        if rows > 1 and cells % rows == 0 and rows * size[1] == cells // rows * size[0]:
            return rows, cells // rows
    return None


def _identity(output: Tensor) -> Tensor:
    return output


def _channels_first(output: Tensor) -> Tensor:
    return output.permute(0, 3, 1, 2)


def _tokens_to_maps(output: Tensor, grid: tuple[int, int]) -> Tensor:
    rows, columns = grid
    return output[:, -rows * columns :].mT.unflatten(2, grid)
