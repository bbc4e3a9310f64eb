"""Segment images into superpixels, which are kept or removed as a whole."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unsee.errors import InputError
from unsee.types import Images

Segmentation = Literal["slic", "quickshift", "grid"]
"""Segmentation algorithm: by colour and position (slic, quickshift), or into rectangles (grid)."""


def check_segments(method: str, segments: int, images: Images) -> None:
    """Raise `InputError` for more superpixels than pixels; `method` is named in the message."""
    h, w = images.shape[-2:]
    if segments > h * w:
        raise InputError(
            f"{method}: expected at most {h * w} segments, one per pixel, got {segments}"
        )


def segment(
    image: Float[Tensor, "c h w"],
    algorithm: Segmentation,
    segments: int,
    compactness: float = 30.0,
    sigma: float = 3.0,
) -> Int[Tensor, "h w"]:
    """Return the index of each pixel's superpixel, counted from 0.

    Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", PAMI 2012;
    Vedaldi and Soatto, "Quick Shift and Kernel Methods for Mode Seeking", ECCV 2008.

    Args:
        image: One image (c, h, w) in [0, 1].
        algorithm: Segmentation algorithm.
        segments: Approximate number of superpixels for slic; for grid, its square root is the
            number of rectangles per side. Quickshift chooses the number itself, with the settings
            of the package lime.
        compactness: Weight of position against colour, for slic.
        sigma: Standard deviation in pixels of the blur before slic.
    """
    from skimage import segmentation

    pixels = image.permute(1, 2, 0).cpu().double().numpy()
    (h, w), colour = pixels.shape[:2], pixels.shape[2] == 3
    if algorithm == "grid":
        side = max(1, round(segments**0.5))
        labels = np.add.outer(np.arange(h) * side // h * side, np.arange(w) * side // w)
    elif algorithm == "slic":
        labels = segmentation.slic(
            pixels, segments, compactness, sigma=sigma, start_label=0, channel_axis=2,
            convert2lab=colour,
        )  # fmt: skip
    else:
        labels = segmentation.quickshift(
            pixels, kernel_size=4, max_dist=200, ratio=0.2, rng=0, channel_axis=2,
            convert2lab=colour,
        )  # fmt: skip
    _, indices = np.unique(labels, return_inverse=True)
    return torch.from_numpy(indices.reshape(h, w)).to(image.device)
