"""Places of a window that slides over an image, and maps of one number for each place."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def places(side: int, window: int, stride: int) -> list[int]:
    """Return where windows begin along a side, so that every pixel is in one."""
    last = side - window
    return sorted({*range(0, last + 1, stride), last})


def centre_weights(
    starts: Sequence[int], window: int, side: int, like: Tensor
) -> Float[Tensor, "{side} _n"]:
    """Return the weight of each window in each pixel along one side.

    A pixel is interpolated linearly between the centres of the windows before and after it; beyond
    the first and the last centre it has the value of that window.

    Args:
        starts: First pixel of each window, in ascending order.
        window: Length of the windows in pixels.
        side: Pixels along the side.
        like: Tensor with the dtype and device of the weights.
    """
    centres, pixels = np.array(starts) + window / 2, np.arange(side) + 0.5
    columns = [np.interp(pixels, centres, row) for row in np.eye(len(centres))]
    return torch.from_numpy(np.stack(columns, 1)).float().to(like)
