"""Biharmonic in-painting."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unsee.infillers.base import Inpainter

__all__ = ["Biharmonic"]


@dataclass(frozen=True)
class Biharmonic(Inpainter):
    """The smoothest surface that continues the rim of the hole (scikit-image, 8 bits).

    Solves the biharmonic equation in each connected hole: deterministic, on the CPU, and slow for
    large holes, because the linear system has one unknown for each removed pixel.

    Damelin & Hoang, "On Surface Completion and Image Inpainting by Biharmonic Functions: Numerical
    Aspects", International Journal of Mathematics and Mathematical Sciences, 2018,
    https://doi.org/10.1155/2018/3950312.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.restoration:inpaint_biharmonic",)

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill with `skimage.restoration.inpaint_biharmonic`."""
        from skimage.restoration import inpaint_biharmonic

        filled = inpaint_biharmonic(picture, hole, split_into_regions=True, channel_axis=2)
        return np.round(255 * np.clip(filled, 0, 1)).astype(np.uint8)
