"""DeepFill v2, with gated convolutions."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from unsee.infillers._deepfill import DeepFillInfiller
from unsee.networks.weights import Published

__all__ = ["DeepFill2"]


@dataclass(frozen=True)
class DeepFill2(DeepFillInfiller):
    """Free-form in-painting with gated convolutions (Yu et al., ICCV 2019).

    Needs the published weights, a TensorFlow checkpoint that is read without TensorFlow.
    """

    version: ClassVar[Literal[1, 2]] = 2
    published: ClassVar[Published] = Published(
        "release_places2_256_deepfill_v2",
        "the model zoo of JiahuiYu/generative_inpainting on GitHub",
        "CC BY-NC 4.0: no commercial use",
    )

    weights: str = ""
    """Folder or prefix of the TensorFlow checkpoint, or a .safetensors or .pth file."""
    side: int = 256
    """Side at which it paints, as it was trained; 0 paints at the image's own size."""
