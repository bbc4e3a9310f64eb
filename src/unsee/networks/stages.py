"""Feature maps of any CNN, found and read by hooks that are gone afterwards."""

import math
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError

FINEST = 4
"""Pixels to a cell of the finest map that is used."""


def find(network: nn.Module, x: Float[Tensor, "1 c h w"]) -> list[str]:
    """Names of the modules whose outputs a decoder reads, from the finest to the coarsest.

    At each resolution from a quarter of the input on, the module of the most channels, the last of
    several; at the finest the first one too (ResNet-50: max-pool, then the four layers, as CASM has
    it). Modules that are called twice are passed over. The network is run once, in the mode in
    which it is. Raises `InputError` for a network without such maps.
    """
    seen: list[Seen] = []

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and name:
            channels, height, width = (int(side) for side in output.shape[1:])
            seen.append(Seen(name, channels, (height, width)))

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            hooks.callback(module.register_forward_hook(partial(note, name)).remove)
        network(x)
    calls = Counter(one.name for one in seen)
    once = [one for one in seen if calls[one.name] == 1]
    groups = _groups(once, (x.shape[-2], x.shape[-1]))
    tokens = any(isinstance(module, nn.LayerNorm) for module in network.modules())
    if not groups or (len(groups) == 1 and tokens):  # a transformer's patches are no features
        raise InputError("this network has no feature maps that a mask decoder can read")
    widest = [
        [one.name for one in group if one.channels == max(o.channels for o in group)][-1]
        for group in groups
    ]
    first = groups[0][0].name
    return widest if first == widest[0] else [first, *widest]


def _groups(seen: list["Seen"], size: tuple[int, int]) -> list[list["Seen"]]:
    """Modules by resolution, a half of the one before; of nearly equal sizes the usual one.

    A convolution that pads beforehand shows maps of a pixel more, which are not meant.
    """
    found = []
    for halvings in range(int(math.log2(FINEST)), 8):
        wanted = tuple(side / 2**halvings for side in size)
        near = [
            one
            for one in seen
            if all(abs(a - b) <= max(1, 0.1 * b) for a, b in zip(one.size, wanted, strict=True))
            and min(one.size) > 1
        ]
        if near:
            ((usual, _),) = Counter(one.size for one in near).most_common(1)
            found.append([one for one in near if one.size == usual])
    return found


class Seen(NamedTuple):
    """An output that may be read."""

    name: str
    channels: int
    size: tuple[int, int]


class Stages:
    """A network read at some of its modules; it stays as it was."""

    backwards: ClassVar[int] = 0
    """Passes back through the network that a reading takes."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        self.network, self.names = network, names

    @classmethod
    def of(cls, network: nn.Module, x: Float[Tensor, "n c h w"]) -> tuple["Stages", list[int]]:
        """The stages that are found in a network, and their channels.

        Raises `InputError` for a network without any.
        """
        stages = cls(network, find(network, x[:1]))
        with torch.no_grad():
            _, features = stages(x[:1])
        return stages, [map_.shape[1] for map_ in features]

    def __call__(self, x: Float[Tensor, "n c h w"]) -> tuple[Any, list[Tensor]]:
        """What the network says, and the feature maps in the order of the names."""
        found: dict[str, Tensor] = {}

        def keep(name: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
            found[name] = output

        with ExitStack() as hooks:
            for name in self.names:
                hook: Callable[..., None] = partial(keep, name)
                handle = self.network.get_submodule(name).register_forward_hook(hook)
                hooks.callback(handle.remove)
            answer = self.network(x)
        return answer, [found[name] for name in self.names]
