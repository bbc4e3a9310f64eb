"""DeepLift, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.errors import InputError
from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.types import Images

__all__ = ["DeepLift"]


@dataclass(frozen=True)
class DeepLift(CaptumMethod):
    """Differences to the background, carried back layer by layer (Shrikumar et al., 2017; Captum).

    The baseline is what the in-filler puts where nothing is kept. Captum knows the rule for common
    activations only; the others, ReLU6 among them, pass the plain gradient on.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True, needs_module=True)

    channels: Pooling = "sum"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """One backward pass of the image and its baseline."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it announces its hooks
            try:
                return captum.DeepLift(network).attribute(x, behind)
            except RuntimeError as error:
                if "was detected" not in str(error):
                    raise
                raise InputError(
                    "deeplift: Captum needs every module to be called once, and this network calls "
                    "one of its activations several times"
                ) from error
