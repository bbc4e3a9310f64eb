"""Felzenszwalb and Huttenlocher's segments."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import torch

from unsee.cells._merging import merged
from unsee.cells.base import Cells, Labels, ShownPhoto, check_limit, pixels_of

__all__ = ["Felzenszwalb"]


@dataclass(frozen=True)
class Felzenszwalb(Cells):
    """Segments of any size along the edges of the photo (Felzenszwalb & Huttenlocher, IJCV 2004).

    Pixels are merged along a spanning tree while the difference between two segments is small
    against that within them. Where more than n segments result, the smallest ones join their most
    similar neighbours. A photo of a single colour is one segment, which is refused.

    Reference: P. Felzenszwalb, D. Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV
    2004.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.segmentation:felzenszwalb",)

    n: int = 150
    """Largest number of segments; a smooth photo has fewer."""
    scale: float = 100.0
    """Preference for large segments."""
    sigma: float = 0.8
    """Standard deviation, in pixels, of the blur before the segmentation."""
    least: int = 20
    """Number of pixels of the smallest segment."""

    def __post_init__(self) -> None:
        check_limit("felzenszwalb", self.n)

    @property
    def limit(self) -> int:
        """Largest number of segments."""
        return self.n

    def segment(self, photo: ShownPhoto) -> Labels:
        """Return the segment of each pixel."""
        from skimage.segmentation import felzenszwalb

        pixels = pixels_of(photo.image).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about images of more than three channels
            labels = felzenszwalb(
                pixels, scale=self.scale, sigma=self.sigma, min_size=self.least, channel_axis=2
            )
        return torch.from_numpy(merged(labels, pixels, self.n))
