"""Eigen-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["EigenCAM"]


@dataclass(frozen=True)
class EigenCAM(CamMethod):
    """First principal component of the activations, whatever class (Muhammad & Yeasin, 2020)."""

    library: ClassVar[str] = "EigenCAM"

    layer: str = ""
    """Name of the layer in your network; if empty, the last one that still knows about places."""
