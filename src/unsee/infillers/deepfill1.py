"""DeepFill v1, the papers' "CA"."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from unsee.infillers._deepfill import DeepFillInfiller
from unsee.networks.weights import Published

__all__ = ["DeepFill1"]


@dataclass(frozen=True)
class DeepFill1(DeepFillInfiller):
    """Generative in-painting with contextual attention (Yu et al., CVPR 2018): FIDO's "CA", SP-G's.

    Needs the published weights, a TensorFlow checkpoint that is read without TensorFlow.
    """

    version: ClassVar[Literal[1, 2]] = 1
    published: ClassVar[Published] = Published(
        "release_imagenet_256",
        "the model zoo of JiahuiYu/generative_inpainting v1.0.0 on GitHub (release_imagenet_256)",
        "CC BY-NC 4.0: no commercial use",
    )

    weights: str = ""
    """Folder or prefix of the TensorFlow checkpoint, or a .safetensors or .pth file."""
    side: int = 256
    """Side at which it paints, as it was trained; 0 paints at the image's own size."""
