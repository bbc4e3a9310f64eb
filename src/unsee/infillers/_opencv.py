"""OpenCV's in-painting for any number of channels."""

import numpy as np
from numpy.typing import NDArray


def inpaint(
    picture: NDArray[np.uint8], hole: NDArray[np.bool_], radius: float, flag: str
) -> NDArray[np.uint8]:
    """Fill the hole with `cv2.inpaint`, channel by channel unless there are three.

    Args:
        picture: (h, w, c).
        hole: (h, w).
        radius: Radius of the neighbourhood in pixels.
        flag: Name of OpenCV's algorithm: "INPAINT_TELEA" or "INPAINT_NS".
    """
    import cv2

    def fill(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        mask = hole.astype(np.uint8)
        filled = cv2.inpaint(np.ascontiguousarray(planes), mask, radius, getattr(cv2, flag))
        return np.asarray(filled, np.uint8).reshape(planes.shape)

    if picture.shape[2] == 3:
        return fill(picture)
    return np.concatenate([fill(picture[..., i : i + 1]) for i in range(picture.shape[2])], 2)
