"""OpenCV's in-painting after Telea."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unsee.infillers._opencv import inpaint
from unsee.infillers.base import Inpainter

__all__ = ["Telea"]


@dataclass(frozen=True)
class Telea(Inpainter):
    """Weighted means of nearby pixels, computed from the rim of the hole inwards (OpenCV, 8 bits).

    Depends on the mask; deterministic; on the CPU, about 15 ms for a picture of 224 pixels.

    Telea, "An Image Inpainting Technique Based on the Fast Marching Method", Journal of Graphics
    Tools, 2004, https://doi.org/10.1080/10867651.2004.10487596.
    """

    libraries: ClassVar[tuple[str, ...]] = ("cv2",)

    radius: float = 3.0
    """Radius in pixels of the neighbourhood that a pixel is computed from (CASM: 3; iGOS++ on
    X-rays: 10)."""

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill with `cv2.inpaint`."""
        return inpaint(picture, hole, self.radius, "INPAINT_TELEA")
