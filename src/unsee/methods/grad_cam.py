"""Grad-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["GradCAM"]


@dataclass(frozen=True)
class GradCAM(CamMethod):
    """Activations weighted by their mean gradient (Selvaraju et al., ICCV 2017)."""

    library: ClassVar[str] = "GradCAM"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
