"""Grad-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass, replace
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["GradCAM"]


@dataclass(frozen=True)
class GradCAM(CamMethod):
    """Weight the activations of a layer by their mean gradient (Selvaraju et al., ICCV 2017).

    The map is ReLU(sum_k w_k A_k), with w_k the spatial mean of d score / d A_k.

    Reference: R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", ICCV 2017, https://arxiv.org/abs/1610.02391.
    """

    library: ClassVar[str] = "GradCAM"
    traits = replace(CamMethod.traits, needs_gradient=True)

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
