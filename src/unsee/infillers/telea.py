"""OpenCV's in-painting: Telea 2004, fast marching from the rim of the hole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unsee.infillers._opencv import inpaint
from unsee.infillers.base import Inpainter

__all__ = ["Telea"]


@dataclass(frozen=True)
class Telea(Inpainter):
    """Telea 2004, fast marching from the rim of the hole (OpenCV, 8 bits)."""

    radius: float = 3.0
    """Of the neighbourhood that a pixel is made from (CASM: 3; iGOS++'s X-rays: 10)."""

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Ask OpenCV."""
        return inpaint(picture, hole, self.radius, "INPAINT_TELEA")
