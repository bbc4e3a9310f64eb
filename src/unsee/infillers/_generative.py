"""What in-fillers that ask a network have in common."""

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.chunked import map_chunks
from unsee.errors import InputError
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.types import Backgrounds, FlatKeep, Variants

Network = Callable[..., Any]
TOGETHER = 32
"""Pictures in a generator at a time; fewer where memory does not suffice."""


class Generative(Infiller):
    """A generator, called for all masks of all images of a chunk together.

    What is removed is blanked before the network sees it, and visible pixels are handed back as
    they are. Grey images are painted in colour and averaged; others than one or three channels are
    refused.
    """

    least: ClassVar[int] = 16
    """Shortest side that the network takes, in pixels."""

    @abstractmethod
    def load(self) -> Network:
        """The network, on the CPU."""

    @abstractmethod
    def paint(
        self, network: Network, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """Pictures (n, 3, h, w) in [0, 1] for blanked ones; what is visible does not matter."""

    @final
    def bind(self, scene: ImageBatch) -> Fill:
        """Load the network, once for each device."""
        channels, *size = scene.images.shape[1:]
        if channels not in {1, 3}:
            raise InputError(f"a generator paints 1 or 3 channels, got {channels}")
        if min(size) < self.least:
            raise InputError(
                f"this generator paints images of at least {self.least} pixels a side, "
                f"got {size[0]} x {size[1]}"
            )
        network = _loaded(self, scene.images.device)

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            if keep.shape[-2:] != scene.images.shape[-2:]:
                raise InputError(f"expected masks of {size}, got {tuple(keep.shape[-2:])}")
            shown = (scene.images[rows.image] * keep).expand(-1, 3, -1, -1)

            def some(part: Tensor, at: slice) -> Tensor:
                which = RowIndex(rows.image[at], rows.variant[at], rows.step)
                with torch.autocast(part.device.type, enabled=part.device.type == "cuda"):
                    painted = self.paint(
                        network, part.expand(-1, 3, -1, -1), keep[at], which, scene
                    )
                return painted.float()

            with torch.no_grad():
                painted = map_chunks(some, shown, TOGETHER).clamp(0, 1)
            painted = painted.mean(1, keepdim=True) if channels == 1 else painted
            return torch.where(keep > 0, scene.images[rows.image], painted)

        return fill


class Sampling(Generative):
    """A generator that gives its middle answer, or one of `samples` for each mask in turn."""

    stream: ClassVar[str]
    """Of the random numbers."""
    samples: int

    def paint(
        self, network: Any, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """All masks at once, each image's noise its own."""
        noise = None
        if self.samples:
            drawn = scene.random.normal(0, self.samples, network.noise, stream=self.stream)
            noise = drawn[rows.image, rows.variant % self.samples]
        painted: Variants = network(shown, keep, noise)
        return painted


@lru_cache(maxsize=4)
def _loaded(part: Generative, device: torch.device) -> Network:
    """Read from disk once, however many photos follow."""
    network = part.load()
    return network.to(device) if hasattr(network, "to") else network


def resized(
    pictures: Float[Tensor, "n c h w"], size: tuple[int, int]
) -> Float[Tensor, "n c _h _w"]:
    """Bilinearly, with antialiasing; the same where the size is right."""
    if tuple(pictures.shape[-2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bilinear", antialias=True).clamp(0, 1)


def hard(keep: FlatKeep, size: tuple[int, int]) -> FlatKeep:
    """A mask at another size; a pixel is visible only if all that it covers is."""
    if tuple(keep.shape[-2:]) == size:
        return keep
    return 1 - F.adaptive_max_pool2d(1 - keep, size)
