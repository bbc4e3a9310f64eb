"""The plain gradient, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.types import Images

__all__ = ["Gradient"]


@dataclass(frozen=True)
class Gradient(CaptumMethod):
    """Magnitude of the score's gradient (Simonyan et al., 2014; Captum's Saliency)."""

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    channels: Pooling = "max"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """One backward pass."""
        return captum.Saliency(network).attribute(x, abs=False)
