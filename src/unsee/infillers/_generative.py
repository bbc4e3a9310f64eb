"""Base of in-fillers that call a generative network."""

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.chunked import map_chunks
from unsee.errors import InputError, as_input_error
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.networks.weights import random_state_kept
from unsee.types import Backgrounds, FlatKeep, Variants

Network = Callable[..., Any]
MAX_PICTURES_PER_CALL = 32
"""Largest number of pictures in one call of a generator; less if memory is short."""

MAX_SAMPLES = 10_000
"""Largest number of different results; the noise of all is in memory."""


class GenerativeInfiller(Infiller):
    """Base of in-fillers that call a generator for the masks of all images in one batch.

    Removed pixels are zero in the network's input, and visible pixels are unchanged in the result.
    Grey images are filled in colour and averaged; other numbers of channels are refused.
    """

    generative: ClassVar[bool] = True

    min_side: ClassVar[int] = 16
    """Shortest side of a picture that the network accepts, in pixels."""

    @abstractmethod
    def load(self) -> Network:
        """Load the network on the CPU."""

    @abstractmethod
    def paint(
        self,
        network: Network,
        pictures: Variants,
        keep: FlatKeep,
        rows: RowIndex,
        batch: ImageBatch,
    ) -> Variants:
        """Return filled pictures (n, 3, h, w) in [0, 1]; their visible pixels are not used.

        `pictures` has zeros where `keep` is 0.
        """

    @final
    def prepare(self, device: torch.device) -> None:
        """Load the network, which is kept."""
        _loaded(self, device)

    @final
    def bind(self, batch: ImageBatch) -> Fill:
        """Load the network, which is kept for further batches, and check the images."""
        channels, *size = batch.images.shape[1:]
        if channels not in {1, 3}:
            raise InputError(f"a generative in-filler expects 1 or 3 channels, got {channels}")
        if min(size) < self.min_side:
            raise InputError(
                f"this in-filler expects images of at least {self.min_side} pixels a side, "
                f"got {size[0]} x {size[1]}"
            )
        network = _loaded(self, batch.images.device)

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            if keep.shape[-2:] != batch.images.shape[-2:]:
                raise InputError(f"expected masks of {size}, got {tuple(keep.shape[-2:])}")
            shown = batch.images.index_select(0, rows.image) * keep

            def paint_chunk(part: Tensor, at: slice) -> Tensor:
                index = RowIndex(rows.image[at], rows.variant[at], rows.step)
                with torch.autocast(part.device.type, enabled=part.device.type == "cuda"):
                    painted = self.paint(
                        network, part.expand(-1, 3, -1, -1), keep[at], index, batch
                    )
                return painted.float()

            with torch.no_grad():
                painted = map_chunks(paint_chunk, shown, MAX_PICTURES_PER_CALL).clamp(0, 1)
            painted = painted.mean(1, keepdim=True) if channels == 1 else painted
            return torch.where(keep > 0, shown, painted)  # also if visible pixels are not finite

        return fill


class SamplingInfiller(GenerativeInfiller):
    """Base of generative in-fillers whose network draws samples from noise.

    With `samples = None` all masks get one result: the network's average, or the first sample of a
    network without one. Otherwise mask k of an image gets sample k modulo `samples`.
    """

    has_average: ClassVar[bool] = True
    """Whether the network has an average result, without noise."""
    stream: ClassVar[str]
    """Name of the stream of random numbers."""
    samples: int | None

    def __post_init__(self) -> None:
        if self.samples is not None and not 1 <= self.samples <= MAX_SAMPLES:
            raise InputError(f"expected samples from 1 to {MAX_SAMPLES}, got {self.samples}")

    def paint(
        self, network: Any, pictures: Variants, keep: FlatKeep, rows: RowIndex, batch: ImageBatch
    ) -> Variants:
        """Fill all pictures in one call; the noise depends on the image and the sample only."""
        noise = None
        if self.samples is not None or not self.has_average:
            count, shape = self.samples or 1, network.noise_shape(tuple(pictures.shape[-2:]))
            samples = batch.random.normal(0, count, *shape, stream=self.stream)
            noise = samples[rows.image, rows.variant % count]
        painted: Variants = network(pictures, keep, noise)
        return painted


@lru_cache(maxsize=4)
def _loaded(infiller: GenerativeInfiller, device: torch.device) -> Network:
    """Return an in-filler's network on a device, loaded once."""
    with random_state_kept(), as_input_error(f"{type(infiller).__name__}: cannot be loaded"):
        network = infiller.load()
    return network.to(device) if hasattr(network, "to") else network


def resize_pictures(
    pictures: Float[Tensor, "n c h w"], size: tuple[int, int]
) -> Float[Tensor, "n c _h _w"]:
    """Resize bilinearly with antialiasing, clamped to [0, 1]; unchanged if the size is right."""
    if tuple(pictures.shape[-2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bilinear", antialias=True).clamp(0, 1)


def resize_mask(
    keep: Float[Tensor, "n 1 h w"], size: tuple[int, int]
) -> Float[Tensor, "n 1 _h _w"]:
    """Resize a hard mask; a pixel is visible only if all pixels that it covers are."""
    if tuple(keep.shape[-2:]) == size:
        return keep
    return 1 - F.adaptive_max_pool2d(1 - keep, size)
