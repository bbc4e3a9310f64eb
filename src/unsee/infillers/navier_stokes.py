"""OpenCV's in-painting after Bertalmio et al."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unsee.infillers._opencv import inpaint
from unsee.infillers.base import Inpainter

__all__ = ["NavierStokes"]


@dataclass(frozen=True)
class NavierStokes(Inpainter):
    """Colours that flow along isophotes from the rim into the hole (OpenCV, 8 bits).

    Depends on the mask; deterministic; on the CPU, about 15 ms for a picture of 224 pixels.

    Bertalmio, Bertozzi & Sapiro, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting",
    CVPR 2001.
    """

    libraries: ClassVar[tuple[str, ...]] = ("cv2",)

    radius: float = 3.0
    """Radius in pixels of the neighbourhood that a pixel is computed from (CASM: 3; iGOS++ on
    X-rays: 10)."""

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill with `cv2.inpaint`."""
        return inpaint(picture, hole, self.radius, "INPAINT_NS")
