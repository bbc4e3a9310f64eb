"""Layer-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["LayerCAM"]


@dataclass(frozen=True)
class LayerCAM(CamMethod):
    """Activations times their own positive gradients (Jiang et al., IEEE TIP 2021)."""

    library: ClassVar[str] = "LayerCAM"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
