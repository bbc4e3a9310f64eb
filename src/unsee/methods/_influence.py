"""How much of a network's outputs goes through a layer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unsee.classifiers.passes import unwrapped
from unsee.networks.stages import of_this_thread

MIN_SHARE = 0.3
"""Smallest change of the outputs if those of a layer are exchanged between images, as a share of
the change if the images are exchanged. It is 1 for the trunk of a network, and small for a network
that is only a part of another, such as one of an ensemble with little weight."""

Maps = Callable[[Tensor], Tensor]


class Influence:
    """The outputs of a network for a few images, with and without an exchange inside of it."""

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        self.network, self.images = network, images
        with torch.no_grad():
            self.outputs = unwrapped(network(images))
        self.change = (self.outputs.roll(1, 0) - self.outputs).float().norm()

    @property
    def has_change(self) -> bool:
        """Whether the outputs differ between the images; those of an untrained head may not."""
        return bool(self.change > 0)

    def of_maps(self, module: nn.Module, maps: Maps | None) -> bool:
        """Return whether the outputs change if the maps of a layer are exchanged."""

        def exchange(output: Tensor) -> Tensor:
            output = output.clone()
            view = maps(output) if maps else output
            view.copy_(view.roll(1, 0))  # a view of the output: other tokens keep their values
            return output

        return not torch.equal(self._with(module, exchange), self.outputs)

    def of_all(self, module: nn.Module) -> bool:
        """Return whether a large share of the outputs goes through a module.

        All that it returns is exchanged between the images. A module whose outputs have another
        first axis is not measured.
        """
        is_exchanged = False

        def exchange(output: Any) -> Any:
            nonlocal is_exchanged
            if isinstance(output, (tuple, list)) and type(output) in {tuple, list}:
                return type(output)(map(exchange, output))
            if not isinstance(output, Tensor) or output.shape[:1] != self.images.shape[:1]:
                return output
            is_exchanged = True
            return output.roll(1, 0)

        change = (self._with(module, exchange) - self.outputs).float().norm()
        return not is_exchanged or not change < MIN_SHARE * self.change

    def _with(self, module: nn.Module, exchange: Callable[[Any], Any]) -> Tensor:
        """Return the outputs of the network if those of a module are exchanged."""

        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            return exchange(output)

        with torch.no_grad():
            handle = module.register_forward_hook(of_this_thread(hook))
            try:
                outputs: Tensor = unwrapped(self.network(self.images))
            finally:
                handle.remove()
        return outputs
