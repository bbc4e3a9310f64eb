"""Grad-CAM++, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["GradCAMPlusPlus"]


@dataclass(frozen=True)
class GradCAMPlusPlus(CamMethod):
    """Activations weighted by their positive gradients (Chattopadhyay et al., WACV 2018)."""

    library: ClassVar[str] = "GradCAMPlusPlus"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
