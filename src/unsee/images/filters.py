"""Linear filters for batches of images."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.types import Variants


def gaussian_blur(images: Variants, sigma: float, kernel: int | None = None) -> Variants:
    """Convolve images with a Gaussian.

    The border is reflected without repeating the edge pixel, as in OpenCV.

    Args:
        images: Images (n, c, h, w).
        sigma: Standard deviation in pixels.
        kernel: Side of the kernel in pixels; default: three standard deviations on either side.
    """
    radius = (kernel or 2 * math.ceil(3 * sigma) + 1) // 2
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    return convolve(images, weights / weights.sum(), border="reflect")


def convolve(
    images: Variants, weights: Float[Tensor, " k"], border: Literal["reflect", "zero"]
) -> Variants:
    """Convolve columns and then rows with the same odd number of weights.

    The kernel may be larger than the image; the border is then reflected several times.
    """
    for axis in (2, 3):
        matrix = _banded(weights.to(images), images.shape[axis], border)
        images = torch.einsum("ij,...j->...i", matrix, images.movedim(axis, -1)).movedim(-1, axis)
    return images


def box_sum(images: Variants, window: int) -> Variants:
    """Return the sum over a square window of odd side around each pixel; outside are zeros.

    It is computed as a difference of cumulative sums, in a third of the time of a convolution.
    """
    radius = window // 2
    for axis, sides in ((3, (radius + 1, radius, 0, 0)), (2, (0, 0, radius + 1, radius))):
        length = images.shape[axis]
        sums = F.pad(images.contiguous(), sides).cumsum(axis)
        images = sums.narrow(axis, window, length) - sums.narrow(axis, 0, length)
    return images


def _banded(weights: Tensor, length: int, border: str) -> Float[Tensor, "{length} {length}"]:
    """Return the matrix that convolves a line of pixels, including its border."""
    radius = len(weights) // 2
    source = torch.arange(-radius, length + radius, device=weights.device)
    if border == "reflect":
        period = max(2 * (length - 1), 1)
        source = source.remainder(period)
        source = torch.where(source < length, source, period - source)
    taps = source.unfold(0, length, 1)  # (kernel, length): the source pixel of each tap
    inside = (taps >= 0) & (taps < length)
    pixel = torch.arange(length, device=weights.device).expand_as(taps)
    matrix = weights.new_zeros(length, length)
    values = weights[:, None].expand(taps.shape)
    return matrix.index_put_((pixel[inside], taps[inside]), values[inside], accumulate=True)
