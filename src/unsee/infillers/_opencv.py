"""OpenCV's in-painting for any number of channels."""

import numpy as np
from numpy.typing import NDArray


def inpaint(
    picture: NDArray[np.uint8], hole: NDArray[np.bool_], radius: float, flag: str
) -> NDArray[np.uint8]:
    """Fill the hole; OpenCV takes one or three channels, others are filled one by one."""
    import cv2

    def fill(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        where = hole.astype(np.uint8)
        filled = cv2.inpaint(np.ascontiguousarray(planes), where, radius, getattr(cv2, flag))
        return np.asarray(filled, np.uint8).reshape(planes.shape)

    if picture.shape[2] == 3:
        return fill(picture)
    return np.concatenate([fill(picture[..., i : i + 1]) for i in range(picture.shape[2])], 2)
