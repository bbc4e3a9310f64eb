"""Feature maps of a network, read with forward hooks that are removed afterwards."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from threading import get_ident
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError

FINEST_STRIDE = 4
"""Input pixels per cell, along each side, of the finest feature map that decoders read."""
MAX_HALVINGS = 7
"""The coarsest feature map has 2^-7 of the input's resolution."""
SIZE_TOLERANCE = 0.1
"""Relative deviation of a map's side from a halved input that still counts as that resolution."""


class LayerOutput(NamedTuple):
    """Output of one module in one forward pass."""

    name: str
    """Qualified name of the module in its network."""
    module: nn.Module
    shape: tuple[int, ...]
    """Shape of the output, with the batch axis first."""
    note: Any = None
    """What `note` of `layer_outputs` returned for the output."""

    @property
    def channels(self) -> int:
        """Number of channels of an output (n, c, h, w)."""
        return self.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an output (n, c, h, w)."""
        return self.shape[2], self.shape[3]


def layer_outputs(
    network: nn.Module,
    x: Float[Tensor, "n c h w"],
    note: Callable[[nn.Module, Tensor], Any] = lambda module, output: None,
) -> list[LayerOutput]:
    """Run the network once and return the outputs of its modules, in the order of completion.

    Only modules that return a tensor are included. Modules that run more than once in a pass (e.g.
    a shared activation) are excluded, because a hook cannot distinguish their calls. The network
    runs in its current mode, without gradients.

    Args:
        network: Network whose modules are observed.
        x: Normalised images.
        note: Function of a module and its output, which is called when the module finishes.
    """
    outputs: list[LayerOutput] = []
    calls: Counter[str] = Counter()

    def record(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        calls[name] += 1
        if isinstance(output, Tensor):
            shape = tuple(map(int, output.shape))
            outputs.append(LayerOutput(name, module, shape, note(module, output)))

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if name:
                hook = of_this_thread(partial(record, name))
                hooks.callback(module.register_forward_hook(hook).remove)
        network(x)
    return [output for output in outputs if calls[output.name] == 1]


def of_this_thread(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward hook that passes of other threads through the same network do not call."""
    own = get_ident()

    def guarded(*arguments: Any) -> Any:
        return hook(*arguments) if get_ident() == own else None

    return guarded


def find_stages(network: nn.Module, x: Float[Tensor, "1 c h w"]) -> list[str]:
    """Return the names of the modules whose outputs a decoder reads, from finest to coarsest.

    At each resolution from a quarter of the input on: the module with the most channels, or the
    last of several. At the finest resolution, also the first module. For ResNet-50, these are the
    max-pooling and the four layers that CASM reads (Zolna, Geras & Cho, 2018).

    Raises:
        InputError: The network has no such feature maps.
    """
    outputs = layer_outputs(network, x)
    maps = [o for o in outputs if len(o.shape) == 4 and o.shape[0] == len(x)]
    groups = _by_resolution(maps, (x.shape[-2], x.shape[-1]))
    has_tokens = any(isinstance(module, nn.LayerNorm) for module in network.modules())
    if not groups or (len(groups) == 1 and has_tokens):  # the patch embedding of a transformer
        raise InputError("this network has no feature maps that a mask decoder can read")
    widest = []
    for group in groups:
        channels = max(output.channels for output in group)
        widest.append([output.name for output in group if output.channels == channels][-1])
    first = groups[0][0].name
    return widest if first == widest[0] else [first, *widest]


def _by_resolution(maps: Sequence[LayerOutput], size: tuple[int, int]) -> list[list[LayerOutput]]:
    """Group feature maps by resolution, each half of the previous one.

    Among nearly equal sizes, the most frequent one is used: a padded convolution may have an output
    one pixel larger than the others.
    """
    groups = []
    for halvings in range(int(math.log2(FINEST_STRIDE)), MAX_HALVINGS + 1):
        sides = tuple(side / 2**halvings for side in size)
        candidates = [
            output
            for output in maps
            if all(
                abs(actual - side) <= max(1, SIZE_TOLERANCE * side)
                for actual, side in zip(output.size, sides, strict=True)
            )
            and min(output.size) > 1
        ]
        if candidates:
            ((most_common_size, _),) = Counter(output.size for output in candidates).most_common(1)
            groups.append([output for output in candidates if output.size == most_common_size])
    return groups


class FeatureExtractor:
    """A network together with the modules whose outputs are read; the network is not changed."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        self.network, self.names = network, list(names)

    @classmethod
    def of(
        cls, network: nn.Module, x: Float[Tensor, "n c h w"]
    ) -> tuple["FeatureExtractor", list[int]]:
        """Return the extractor of a network's stages, and the number of channels of each stage.

        Raises:
            InputError: The network has no feature maps that a decoder can read.
        """
        extractor = cls(network, find_stages(network, x[:1]))
        with torch.no_grad():
            _, features = extractor(x[:1])
        return extractor, [map_.shape[1] for map_ in features]

    def __call__(self, x: Float[Tensor, "n c h w"]) -> tuple[Any, list[Tensor]]:
        """Return the network's output for `x` and the feature maps, in the order of `names`."""
        features: dict[str, Tensor] = {}

        def keep(name: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
            features[name] = output

        with ExitStack() as hooks:
            for name in self.names:
                hook = of_this_thread(partial(keep, name))
                handle = self.network.get_submodule(name).register_forward_hook(hook)
                hooks.callback(handle.remove)
            output = self.network(x)
        return output, [features[name] for name in self.names]
