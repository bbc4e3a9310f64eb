"""How much of a network's outputs goes through a layer."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers.passes import unwrapped
from unsee.networks.stages import of_this_thread

MAX_MISSING = 0.45
"""Largest difference between the change of the outputs if those of a layer are exchanged between
images, and the change if the images are exchanged, as a share of the latter. It is 0 for the trunk
of a network, and at least 0.5 for one of two equal networks whose outputs are averaged."""
IMAGES = 9
"""Number of images of noise. With few, one network of several may seem to be all by chance."""
NOISE_CELLS = 8
"""Cells per side of the coarse noise."""

Maps = Callable[[Tensor], Tensor]


class Influence:
    """The outputs of a network for images of noise, with and without an exchange inside of it.

    Args:
        network: Network in evaluation mode.
        x: Normalised images; only their shape, dtype and device matter.
    """

    def __init__(self, network: nn.Module, x: Float[Tensor, "n c h w"]) -> None:
        generator = torch.Generator().manual_seed(0)
        cells = torch.randn(IMAGES, x.shape[1], NOISE_CELLS, NOISE_CELLS, generator=generator)
        self.network = network
        self.images = F.interpolate(cells, x.shape[-2:], mode="nearest").to(x)
        with torch.no_grad():
            self.outputs = unwrapped(network(self.images))
        self.change = (self.outputs.roll(1, 0) - self.outputs).float()

    @property
    def has_change(self) -> bool:
        """Whether the outputs differ between the images; those of an untrained head may not."""
        return bool(self.change.any())

    def of_maps(self, module: nn.Module, maps: Maps | None) -> bool:
        """Return whether the outputs change if the maps of a layer are exchanged."""

        def exchange(output: Tensor) -> Tensor:
            output = output.clone()
            view = maps(output) if maps else output
            view.copy_(view.roll(1, 0))  # a view of the output: other tokens keep their values
            return output

        return not torch.equal(self._with(module, exchange), self.outputs)

    def of_all(self, module: nn.Module) -> bool:
        """Return whether a large part of the outputs goes through a module.

        All that it returns is exchanged between the images, and the change of the outputs is
        compared with that if the images are exchanged, not its size only. A module
        whose outputs have another first axis is not measured.
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

        change = (self._with(module, exchange) - self.outputs).float()
        missing = (change - self.change).norm()
        return not is_exchanged or not missing > MAX_MISSING * self.change.norm()

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
