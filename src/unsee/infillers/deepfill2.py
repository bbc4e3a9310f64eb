"""DeepFill v2."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from unsee.infillers._deepfill import DeepFillInfiller
from unsee.networks.weights import Published

__all__ = ["DeepFill2"]


@dataclass(frozen=True)
class DeepFill2(DeepFillInfiller):
    """A result of DeepFill v2, with gated convolutions.

    Depends on the mask; deterministic. Needs the published weights, a TensorFlow checkpoint, which
    is read without TensorFlow.

    Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
    https://arxiv.org/abs/1806.03589.
    """

    version: ClassVar[Literal[1, 2]] = 2
    published: ClassVar[Published] = Published(
        "release_places2_256_deepfill_v2",
        "the model zoo of JiahuiYu/generative_inpainting on GitHub",
        "CC BY-NC 4.0: no commercial use",
    )

    weights: str | None = None
    """Folder or prefix of the TensorFlow checkpoint, or a .safetensors or .pth file; default: the
    published checkpoint in the cache folder."""
    side: int | None = 256
    """Side in pixels at which the network runs, by default that of its training; None: the size of
    the image."""
