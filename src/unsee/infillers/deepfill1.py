"""DeepFill v1."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from unsee.infillers._deepfill import DeepFillInfiller
from unsee.networks.weights import Published

__all__ = ["DeepFill1"]


@dataclass(frozen=True)
class DeepFill1(DeepFillInfiller):
    """A result of DeepFill v1, with contextual attention: the papers' "CA", in FIDO and SP-G.

    Depends on the mask; deterministic. Needs the published weights, a TensorFlow checkpoint, which
    is read without TensorFlow.

    Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018,
    https://arxiv.org/abs/1801.07892.
    """

    version: ClassVar[Literal[1, 2]] = 1
    published: ClassVar[Published] = Published(
        "release_imagenet_256",
        "the model zoo of JiahuiYu/generative_inpainting v1.0.0 on GitHub (release_imagenet_256)",
        "CC BY-NC 4.0: no commercial use",
    )

    weights: str | None = None
    """Folder or prefix of the TensorFlow checkpoint, or a .safetensors or .pth file; default: the
    published checkpoint in the cache folder."""
    side: int | None = 256
    """Side in pixels at which the network runs, by default that of its training; None: the size of
    the image."""
