"""Random numbers that depend on the image, the seed and the step, and on nothing else."""

from collections.abc import Sequence
from hashlib import blake2b

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.types import Images


def seeds_of(images: Images, seed: int) -> list[int]:
    """A seed for each image, made from the user's `seed` and the image's own pixels.

    The same photo draws the same noise alone, in any batch, under any name and in any order.
    """
    pixels = (images.detach() * 255).round().to("cpu", torch.int16).contiguous()
    return [_digest(seed, image.numpy().tobytes()) for image in pixels]


class ImageRandom:
    """Stateless noise: asking twice for the same step gives the same numbers.

    An image draws the same noise alone, in a batch of 64, or on the third of eight GPUs. The
    numbers differ between kinds of device (CPU, CUDA), whose generators differ.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.seeds = list(seeds)
        self.generator = torch.Generator(device)
        self._last: dict[tuple[object, ...], Tensor] = {}

    def uniform(self, step: int, *shape: int, stream: str = "") -> Float[Tensor, "b ..."]:
        """Draw from [0, 1), an independent block of `shape` for each image."""
        return self._draw("uniform", step, shape, stream)

    def normal(self, step: int, *shape: int, stream: str = "") -> Float[Tensor, "b ..."]:
        """Draw standard normal numbers, an independent block of `shape` for each image."""
        return self._draw("normal", step, shape, stream)

    def rows(self, chosen: Bool[Tensor, " b"] | Int[Tensor, " n"]) -> "ImageRandom":
        """The noise of some of the images; what was just drawn is taken along."""
        numbers = torch.arange(len(self.seeds), device=chosen.device)[chosen]
        some = ImageRandom([self.seeds[i] for i in numbers.tolist()], self.generator.device)
        some._last = {key: block[numbers] for key, block in self._last.items()}
        return some

    def _draw(self, kind: str, step: int, shape: tuple[int, ...], stream: str) -> Tensor:
        key = (stream, kind, step, shape)
        if key not in self._last:  # a line search asks for the same noise again and again
            sample = torch.rand if kind == "uniform" else torch.randn
            blocks = []
            for seed in self.seeds:
                self.generator.manual_seed(_digest(seed, f"{stream}/{kind}/{step}".encode()))
                device = self.generator.device
                blocks.append(sample(shape, generator=self.generator, device=device))
            stale = [old for old in self._last if (old[0], old[1]) == (stream, kind)]
            for old in stale:
                del self._last[old]
            self._last[key] = torch.stack(blocks)
        return self._last[key]


def _digest(seed: int, content: bytes) -> int:
    salted = blake2b(content, digest_size=8, salt=(seed % 2**64).to_bytes(8, "little"))
    return int.from_bytes(salted.digest(), "little") >> 1
