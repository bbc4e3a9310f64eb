"""Random numbers that depend on the image, the seed and the step only."""

from collections.abc import Sequence
from hashlib import blake2b

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.types import Images


def seeds_of(images: Images, seed: int) -> list[int]:
    """Return a seed for each image, derived from the user's `seed` and the image's pixels.

    An image therefore has the same noise alone, in any batch, under any name and in any order.
    """
    pixels = (images.detach() * 255).round().to("cpu", torch.int16).contiguous()
    return [_digest(seed, image.numpy().tobytes()) for image in pixels]


def random_bytes(seed: int, *words: object) -> bytes:
    """Return random bytes that depend on the seed and the words only, on any machine.

    Sorted by those of its name, an object has the same place among others, however many they are.
    """
    return blake2b(repr((seed, *words)).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class ImageRandom:
    """Stateless noise of a batch of images: the same step gives the same numbers.

    An image has the same noise alone, in a batch and on any of several GPUs. The numbers differ
    between types of device (CPU, CUDA), whose generators differ.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.seeds = list(seeds)
        self.generator = torch.Generator(device)
        self._cache: dict[tuple[object, ...], Tensor] = {}

    def uniform(self, step: int, *shape: int, stream: str = "") -> Float[Tensor, "b ..."]:
        """Return uniform numbers in [0, 1) of `shape` for each image, independent by `stream`."""
        return self._draw("uniform", step, shape, stream)

    def normal(self, step: int, *shape: int, stream: str = "") -> Float[Tensor, "b ..."]:
        """Return standard normal numbers of `shape` for each image, independent by `stream`."""
        return self._draw("normal", step, shape, stream)

    def rows(self, index: Bool[Tensor, " b"] | Int[Tensor, " n"]) -> "ImageRandom":
        """Return the noise of selected images, including the cached numbers."""
        numbers = torch.arange(len(self.seeds), device=index.device)[index]
        selected = ImageRandom([self.seeds[i] for i in numbers.tolist()], self.generator.device)
        selected._cache = {key: block[numbers] for key, block in self._cache.items()}
        return selected

    def _draw(self, kind: str, step: int, shape: tuple[int, ...], stream: str) -> Tensor:
        """Return the numbers of a step; the latest step of each stream is cached."""
        key = (stream, kind, step, shape)
        if key not in self._cache:  # a line search draws the same noise many times
            sample = torch.rand if kind == "uniform" else torch.randn
            blocks = []
            for seed in self.seeds:
                self.generator.manual_seed(_digest(seed, f"{stream}/{kind}/{step}".encode()))
                device = self.generator.device
                blocks.append(sample(shape, generator=self.generator, device=device))
            stale = [old for old in self._cache if (old[0], old[1]) == (stream, kind)]
            for old in stale:
                del self._cache[old]
            self._cache[key] = torch.stack(blocks)
        return self._cache[key]


def _digest(seed: int, content: bytes) -> int:
    """Return a 63-bit hash of the content and the seed."""
    hasher = blake2b(content, digest_size=8, salt=(seed % 2**64).to_bytes(8, "little"))
    return int.from_bytes(hasher.digest(), "little") >> 1
