"""Superpixels: an image cut into pieces that are shown or hidden as a whole."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unsee.errors import InputError
from unsee.types import Images

Cut = Literal["slic", "quickshift", "grid"]
"""How an image is cut up: by colour and place (slic, quickshift) or into rectangles."""


def check_segments(method: str, segments: int, images: Images) -> None:
    """Refuse more superpixels than pixels."""
    h, w = images.shape[-2:]
    if segments > h * w:
        raise InputError(
            f"{method}: expected at most {h * w} segments, one for each pixel, got {segments}"
        )


def cut(
    image: Float[Tensor, "c h w"],
    how: Cut,
    segments: int,
    compactness: float = 30.0,
    sigma: float = 3.0,
) -> Int[Tensor, "h w"]:
    """The number of each pixel's superpixel, from 0.

    slic: about `segments` of them; grid: as many a side as its square root says; quickshift: as
    many as there are, with the settings that lime uses for images.
    """
    from skimage import segmentation

    pixels = image.permute(1, 2, 0).cpu().double().numpy()
    (h, w), colour = pixels.shape[:2], pixels.shape[2] == 3
    if how == "grid":
        side = max(1, round(segments**0.5))
        found = np.add.outer(np.arange(h) * side // h * side, np.arange(w) * side // w)
    elif how == "slic":
        found = segmentation.slic(
            pixels, segments, compactness, sigma=sigma, start_label=0, channel_axis=2,
            convert2lab=colour,
        )  # fmt: skip
    else:
        found = segmentation.quickshift(
            pixels, kernel_size=4, max_dist=200, ratio=0.2, rng=0, channel_axis=2,
            convert2lab=colour,
        )  # fmt: skip
    _, numbers = np.unique(found, return_inverse=True)
    return torch.from_numpy(numbers.reshape(h, w)).to(image.device)
