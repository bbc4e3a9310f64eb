"""SLIC superpixels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.cells._merging import MergedSegments
from unsee.errors import InputError
from unsee.images.superpixels import segment

__all__ = ["SLIC"]


@dataclass(frozen=True)
class SLIC(MergedSegments):
    """Superpixels of similar colour and size (Achanta et al., PAMI 2012).

    Pixels are grouped by colour and position around n evenly spaced centres. Where more than n
    segments result, the smallest ones join their most similar neighbours.

    Reference: R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk, "SLIC Superpixels
    Compared to State-of-the-art Superpixel Methods", PAMI 2012.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.segmentation:slic",)

    compactness: float = 10.0
    """Weight of position against colour; more gives squarer segments."""
    sigma: float = 1.0
    """Standard deviation, in pixels, of the blur before the segmentation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.compactness > 0:
            raise InputError(f"slic: expected compactness > 0, got {self.compactness}")

    def by_colour(self, image: Float[Tensor, "c h w"]) -> NDArray[np.int64]:
        """Return the superpixel of each pixel."""
        labels = segment(image, "slic", self.n, self.compactness, self.sigma)
        return labels.cpu().numpy()
