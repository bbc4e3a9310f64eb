"""Score-CAM, through pytorch-grad-cam."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.methods._cam import CamMethod

__all__ = ["ScoreCAM"]


@dataclass(frozen=True)
class ScoreCAM(CamMethod):
    """Weight the activations of a layer by the scores of images masked by them (Wang et al., 2020).

    The map is ReLU(sum_k w_k A_k), with w the softmax over k of the scores of the image multiplied
    by the up-sampled activation A_k, scaled to [0, 1]. No gradient is needed.

    Reference: H. Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional
    Neural Networks", CVPR workshops 2020, https://arxiv.org/abs/1910.01279.
    """

    library: ClassVar[str] = "ScoreCAM"

    layer: str | None = None
    """Name of the layer in the network (default: the last one with a spatial output)."""
