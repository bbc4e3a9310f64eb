"""Biharmonic in-painting: the smoothest surface that continues the rim of the hole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unsee.infillers.base import Inpainter

__all__ = ["Biharmonic"]


@dataclass(frozen=True)
class Biharmonic(Inpainter):
    """Damelin & Hoang 2018, biharmonic equations (scikit-image, 8 bits; slow on large holes)."""

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Ask scikit-image, which solves each connected hole by itself."""
        from skimage.restoration import inpaint_biharmonic

        filled = inpaint_biharmonic(picture, hole, split_into_regions=True, channel_axis=2)
        return np.round(255 * np.clip(filled, 0, 1)).astype(np.uint8)
