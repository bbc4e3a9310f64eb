"""Eigen-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from unsee.methods._cam import CamMethod

__all__ = ["EigenCAM"]


@dataclass(frozen=True)
class EigenCAM(CamMethod):
    """Project the activations of a layer on their first component (Muhammad & Yeasin, IJCNN 2020).

    With the activations A of the layer, a row for each position and a column for each channel, the
    map is

        ReLU(A v), where A = U S V^T and v is the first column of V.

    The map is the same for every class. No gradient is needed.

    Reference: M. B. Muhammad, M. Yeasin, "Eigen-CAM: Class Activation Map using Principal
    Components", IJCNN 2020, https://arxiv.org/abs/2008.00299.

    Departures from the paper:
        - pytorch-grad-cam subtracts its mean from each column of A, and cuts off what is negative.
        - The sign of a component is arbitrary; its largest magnitude is made positive, as in
          C.-T. Chung, J. J.-C. Ying, "Seg-Eigen-CAM", Applied Sciences 2025, equation 13,
          https://doi.org/10.3390/app15137562.
    """

    library: ClassVar[str] = "EigenCAM"

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""

    def extractor(self) -> Any:
        """Return the class of the library, with projections of a sign that is not arbitrary."""
        library = super().extractor()

        class Upright(library):  # type: ignore[misc,valid-type]
            """Eigen-CAM with upright maps; the library cuts off what is negative afterwards."""

            def get_cam_image(self, *arguments: Any) -> NDArray[np.float32]:
                """Return the projections (b, h, w)."""
                return upright(super().get_cam_image(*arguments))

        return Upright


def upright(projections: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return projections (b, h, w), negated where their largest magnitude is negative.

    The few cells of an object stand out from many others.
    """
    lowest, highest = projections.min((1, 2)), projections.max((1, 2))
    signs = np.where(-lowest > highest, -1, 1).astype(projections.dtype)
    return projections * signs[:, None, None]
