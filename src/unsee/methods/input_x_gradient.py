"""Gradient times input, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.types import Images

__all__ = ["InputXGradient"]


@dataclass(frozen=True)
class InputXGradient(CaptumMethod):
    """The score's gradient times the normalised input (Shrikumar et al., 2016; Captum)."""

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    channels: Pooling = "sum"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """One backward pass."""
        return captum.InputXGradient(network).attribute(x)
