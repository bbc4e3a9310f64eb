"""DeepLift, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.errors import InputError
from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.types import Images

__all__ = ["DeepLift"]


@dataclass(frozen=True)
class DeepLift(CaptumMethod):
    """Back-propagate differences from the background through the layers (Shrikumar et al., 2017).

    With a baseline b, the background that the in-filler computes when no pixel is kept, the map is

        sum_c (x_c - b_c) m_c,

    where the multiplier m is the gradient d score / d x in which each activation f has the slope
    (f(u) - f(v)) / (u - v) between its inputs u for the image and v for the baseline (the Rescale
    rule), through Captum's `DeepLift`.

    Reference: A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through
    Propagating Activation Differences", ICML 2017, https://arxiv.org/abs/1704.02685.

    Departures from the paper:
        - Captum has no rule RevealCancel.
        - It has rules for common activations; others, such as ReLU6, propagate their gradient.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True, needs_module=True)

    channels: Pooling = "sum"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the contributions: one backward pass of the image and its baseline."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Captum warns that it adds hooks
            try:
                return captum.DeepLift(network).attribute(x, background)
            except RuntimeError as error:
                if "was detected" not in str(error):
                    raise
                raise InputError(
                    "deeplift: Captum expects every module to be called once, but this network "
                    "calls one of its activations several times"
                ) from error
