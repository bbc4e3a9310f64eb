"""Felzenszwalb and Huttenlocher's segments."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.cells._merging import MergedSegments

__all__ = ["Felzenszwalb"]


@dataclass(frozen=True)
class Felzenszwalb(MergedSegments):
    """Segments of any size along the edges of the photo (Felzenszwalb & Huttenlocher, IJCV 2004).

    Pixels are merged along a spanning tree while the difference between two segments is small
    against that within them. Where more than n segments result, the smallest ones join their most
    similar neighbours. A photo of a single colour is one segment, which is refused.

    Reference: P. Felzenszwalb, D. Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV
    2004.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.segmentation:felzenszwalb",)

    scale: float = 100.0
    """Preference for large segments."""
    sigma: float = 0.8
    """Standard deviation, in pixels, of the blur before the segmentation."""
    least: int = 20
    """Number of pixels of the smallest segment."""

    def by_colour(self, image: Float[Tensor, "c h w"]) -> NDArray[np.int64]:
        """Return the segment of each pixel."""
        from skimage.segmentation import felzenszwalb

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about images of more than three channels
            labels: NDArray[np.int64] = felzenszwalb(
                image.permute(1, 2, 0).cpu().double().numpy(),
                scale=self.scale, sigma=self.sigma, min_size=self.least, channel_axis=2,
            )  # fmt: skip
        return labels
