"""Input x gradient, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.types import Images

__all__ = ["InputXGradient"]


@dataclass(frozen=True)
class InputXGradient(CaptumMethod):
    """Multiply the score's gradient by the normalised image (Shrikumar et al., 2016).

    The map is sum_c x_c d score / d x_c, through Captum's `InputXGradient`.

    Reference: A. Shrikumar, P. Greenside, A. Shcherbina, A. Kundaje, "Not Just a Black Box:
    Learning Important Features Through Propagating Activation Differences", 2016,
    https://arxiv.org/abs/1605.01713.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    channels: Pooling = "sum"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the product: one backward pass."""
        return captum.InputXGradient(network).attribute(x)
