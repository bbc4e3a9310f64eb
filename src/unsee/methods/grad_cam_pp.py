"""Grad-CAM++, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["GradCAMPlusPlus"]


@dataclass(frozen=True)
class GradCAMPlusPlus(CamMethod):
    """Weight the activations of a layer by positive gradients (Chattopadhyay et al., WACV 2018).

    The map is ReLU(sum_k w_k A_k), with w_k a weighted sum of ReLU(d score / d A_k) over the layer.

    Reference: A. Chattopadhyay, A. Sarkar, P. Howlader, V. Balasubramanian, "Grad-CAM++:
    Generalized Gradient-based Visual Explanations for Deep Convolutional Networks", WACV 2018,
    https://arxiv.org/abs/1710.11063.
    """

    library: ClassVar[str] = "GradCAMPlusPlus"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
