"""Eigen-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["EigenCAM"]


@dataclass(frozen=True)
class EigenCAM(CamMethod):
    """Project the activations of a layer on their first component (Muhammad & Yeasin, IJCNN 2020).

    The map is the same for every class. No gradient is needed.

    Reference: M. B. Muhammad, M. Yeasin, "Eigen-CAM: Class Activation Map using Principal
    Components", IJCNN 2020, https://arxiv.org/abs/2008.00299.
    """

    library: ClassVar[str] = "EigenCAM"

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
