"""Eigen-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["EigenCAM"]


@dataclass(frozen=True)
class EigenCAM(CamMethod):
    """First principal component of the activations, whatever class (Muhammad & Yeasin, 2020)."""

    library: ClassVar[str] = "EigenCAM"

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
