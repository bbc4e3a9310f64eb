"""Which layer a class activation map is taken from, in networks of any kind."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import torch
from torch import Tensor, nn

from unsee.errors import InputError


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer, and how its output becomes (n, channels, rows, columns)."""

    name: str
    module: nn.Module
    spatial: Callable[[Tensor], Tensor] | None
    """None where it is so already."""


def find(network: nn.Module, x: Tensor, wanted: str = "") -> Layer:
    """The layer of this name; if none is given, the last one that still knows about places.

    In a transformer that is the first norm of the last block: what comes after it reaches the
    answer through the class token alone. Raises `InputError`, with the names that would do.
    """
    seen = _look(network, x)
    if wanted:
        for layer in seen:
            if layer.name == wanted:
                return layer
        names = [layer.name for layer in seen]
        close = get_close_matches(wanted, names, 5, 0.3) or names[-5:]
        raise InputError(f"no layer {wanted!r} with a spatial output; try {', '.join(close)}")
    if not seen:
        raise InputError(
            "no layer with a spatial output was found in this network; "
            "class activation maps need one"
        )
    return _before_attention(seen) or seen[-1]


def _before_attention(seen: list[Layer]) -> Layer | None:
    """The first norm of the last block with two norms, if there is one."""
    blocks: dict[str, list[Layer]] = {}
    for layer in seen:
        if isinstance(layer.module, nn.LayerNorm):
            blocks.setdefault(layer.name.rpartition(".")[0], []).append(layer)
    twice = [norms for norms in blocks.values() if len(norms) >= 2]
    return twice[-1][0] if twice else None


def _look(network: nn.Module, x: Tensor) -> list[Layer]:
    """Every layer that gives a map of places, in the order in which they finish.

    One that is called twice in a pass (an activation that a network has once for all) is passed
    over: hooks would show its first call.
    """
    seen: dict[str, Layer] = {}
    calls: Counter[str] = Counter()
    shape = (int(x.shape[-2]), int(x.shape[-1]))

    def note(name: str, module: nn.Module, inputs: object, output: object) -> None:
        calls[name] += 1
        found = _reading(module, output, shape) if isinstance(output, Tensor) else None
        if found is not None:
            seen[name] = Layer(name, module, None if found is _as_it_is else found)

    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in network.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return [layer for name, layer in seen.items() if calls[name] == 1]


def _reading(
    module: nn.Module, output: Tensor, size: tuple[int, int]
) -> Callable[[Tensor], Tensor] | None:
    """How an output is read as a map; None if it is no map."""
    if output.ndim == 4:
        last = isinstance(module, nn.LayerNorm) and module.normalized_shape == output.shape[-1:]
        if last and output.shape[1] != output.shape[-1]:
            return _channels_first
        return _as_it_is if output.shape[2] * output.shape[3] > 1 else None
    if output.ndim == 3 and isinstance(module, nn.LayerNorm):
        grid = _grid(output.shape[1], size)
        return partial(_tokens, grid=grid) if grid else None
    return None


def _grid(tokens: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of so many tokens, a few of them (class, registers) before the image's."""
    for prefix in range(9):
        places = tokens - prefix
        rows = round((max(places, 0) * size[0] / size[1]) ** 0.5)
        if rows > 1 and places % rows == 0 and rows * size[1] == places // rows * size[0]:
            return rows, places // rows
    return None


def _as_it_is(output: Tensor) -> Tensor:
    return output


def _channels_first(output: Tensor) -> Tensor:
    return output.permute(0, 3, 1, 2)


def _tokens(output: Tensor, grid: tuple[int, int]) -> Tensor:
    rows, columns = grid
    return output[:, -rows * columns :].mT.unflatten(2, grid)
