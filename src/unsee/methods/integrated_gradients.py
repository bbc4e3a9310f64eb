"""Integrated gradients, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.methods._checks import check_positive
from unsee.types import Images, Size

__all__ = ["IntegratedGradients"]


@dataclass(frozen=True)
class IntegratedGradients(CaptumMethod):
    """Integrate gradients from the background to the image (Sundararajan, Taly & Yan, 2017).

    With a baseline b, the background that the in-filler computes when no pixel is kept, the map is

        sum_c (x_c - b_c) integral_0^1 d score(b + t (x - b)) / d x_c dt,

    through Captum's `IntegratedGradients`.

    Reference: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML
    2017, https://arxiv.org/abs/1703.01365.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    steps: int = 50
    """Number of points of the Gauss-Legendre rule."""
    channels: Pooling = "sum"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def __post_init__(self) -> None:
        check_positive("integrated_gradients", steps=self.steps)

    def with_budget(self, passes: int, size: Size) -> "IntegratedGradients":
        """Return this method with as many points as the passes pay for."""
        return replace(self, steps=max(1, passes))

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the integrated gradients: one backward pass for each point."""
        return captum.IntegratedGradients(network).attribute(
            x,
            background,
            n_steps=self.steps,
            internal_batch_size=network.batch_size_for(self.steps),
        )
