"""PatchMatch: holes are filled with patches found elsewhere in the image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unsee.errors import InputError
from unsee.infillers.base import Inpainter

__all__ = ["PatchMatch"]


@dataclass(frozen=True)
class PatchMatch(Inpainter):
    """Patches copied from elsewhere in the image (Barnes et al. 2009; three channels, 8 bits).

    The best looking of the fillers that need no training, at about half a second an image.
    """

    radius: int = 3
    """Of the patches that are compared, in pixels."""

    def __post_init__(self) -> None:
        if self.radius < 1:
            raise InputError(f"expected a radius of at least 1 pixel, got {self.radius}")

    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Ask the library; the search starts from the image's own seed."""
        import patchmatch

        if picture.shape[2] != 3:
            raise InputError(f"patchmatch fills three channels, got {picture.shape[2]}; try telea")
        patchmatch.set_random_seed(seed % 2**32)
        filled: NDArray[np.uint8] = patchmatch.inpaint(
            np.ascontiguousarray(picture), hole.astype(np.uint8) * 255, patch_size=self.radius
        )
        return filled
