"""SLIC superpixels."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from unsee.cells._merging import merged
from unsee.cells.base import Cells, Labels, ShownPhoto, check_limit, pixels_of
from unsee.errors import InputError
from unsee.images.superpixels import segment

__all__ = ["SLIC"]


@dataclass(frozen=True)
class SLIC(Cells):
    """Superpixels of similar colour and size (Achanta et al., PAMI 2012).

    Pixels are grouped by colour and position around n evenly spaced centres. Where more than n
    segments result, the smallest ones join their most similar neighbours.

    Reference: R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk, "SLIC Superpixels
    Compared to State-of-the-art Superpixel Methods", PAMI 2012.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.segmentation:slic",)

    n: int = 150
    """Largest number of segments; there are somewhat fewer."""
    compactness: float = 10.0
    """Weight of position against colour; more gives squarer segments."""
    sigma: float = 1.0
    """Standard deviation, in pixels, of the blur before the segmentation."""

    def __post_init__(self) -> None:
        check_limit("slic", self.n)
        if not self.compactness > 0:
            raise InputError(f"slic: expected compactness > 0, got {self.compactness}")

    @property
    def limit(self) -> int:
        """Largest number of segments."""
        return self.n

    def segment(self, photo: ShownPhoto) -> Labels:
        """Return the superpixel of each pixel."""
        labels = segment(photo.image, "slic", self.n, self.compactness, self.sigma).cpu().numpy()
        return torch.from_numpy(merged(labels, pixels_of(photo.image).numpy(), self.n))
