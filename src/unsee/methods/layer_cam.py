"""Layer-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["LayerCAM"]


@dataclass(frozen=True)
class LayerCAM(CamMethod):
    """Multiply the activations of a layer by their positive gradients (Jiang et al., TIP 2021).

    The map is ReLU(sum_k ReLU(d score / d A_k) A_k), element by element.

    Reference: P.-T. Jiang, C.-B. Zhang, Q. Hou, M.-M. Cheng, Y. Wei, "LayerCAM: Exploring
    Hierarchical Class Activation Maps for Localization", IEEE Transactions on Image Processing,
    2021, https://doi.org/10.1109/TIP.2021.3089943.
    """

    library: ClassVar[str] = "LayerCAM"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
