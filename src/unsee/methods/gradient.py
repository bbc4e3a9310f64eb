"""Gradient: the magnitude of the score's gradient, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.types import Images

__all__ = ["Gradient"]


@dataclass(frozen=True)
class Gradient(CaptumMethod):
    """Compute the magnitude of the score's gradient (Simonyan, Vedaldi & Zisserman, 2014).

    The map is max_c |d score / d x_c|, through Captum's `Saliency`.

    Reference: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks:
    Visualising Image Classification Models and Saliency Maps", ICLR workshop 2014,
    https://arxiv.org/abs/1312.6034.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    channels: Pooling = "max"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the gradient: one backward pass."""
        return captum.Saliency(network).attribute(x, abs=False)
