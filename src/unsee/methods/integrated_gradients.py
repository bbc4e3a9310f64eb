"""Integrated gradients, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.methods.base import check_positive
from unsee.types import Images, Size

__all__ = ["IntegratedGradients"]


@dataclass(frozen=True)
class IntegratedGradients(CaptumMethod):
    """Gradients on the way from the background to the image (Sundararajan et al., 2017; Captum).

    The baseline is what the in-filler puts where nothing is kept: grey, a blur, ...
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    steps: int = 50
    """Points of the Gauss-Legendre rule."""
    channels: Pooling = "sum"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def __post_init__(self) -> None:
        check_positive("integrated_gradients", steps=self.steps)

    def with_budget(self, passes: int, size: Size) -> "IntegratedGradients":
        """As many points as the passes pay for."""
        return replace(self, steps=max(1, passes))

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """As many backward passes as steps."""
        return captum.IntegratedGradients(network).attribute(
            x, behind, n_steps=self.steps, internal_batch_size=network.at_a_time(self.steps)
        )
