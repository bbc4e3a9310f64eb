"""Guided back-propagation, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor, nn

from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.types import Images

__all__ = ["GuidedBackprop"]


@dataclass(frozen=True)
class GuidedBackprop(CaptumMethod):
    """Back-propagate only positive gradients through ReLUs (Springenberg et al., 2015).

    The map is max_c |g_c|, where g is the gradient d score / d x in which each ReLU with the input
    u passes on, of the gradient r that it receives,

        [u > 0] [r > 0] r,

    through Captum's `GuidedBackprop`.

    Reference: J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, "Striving for Simplicity:
    The All Convolutional Net", ICLR workshop 2015, https://arxiv.org/abs/1412.6806.

    Departures:
        - The paper shows the gradient of all channels; the largest magnitude is that of `gradient`.
        - ReLU6 is treated as a ReLU; Captum ignores it.

    A network whose ReLUs are functions instead of modules gives the plain gradient, as in Captum.
    """

    libraries: ClassVar[tuple[str, ...]] = ("captum.attr", "captum._utils.common")

    traits = replace(CaptumMethod.traits, needs_gradient=True, needs_module=True)

    channels: Pooling = "max"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the guided gradient: one backward pass."""
        from captum._utils.common import _register_backward_hook

        class Guided(captum.GuidedBackprop):  # type: ignore[misc]
            def _register_hooks(self, module: nn.Module) -> None:
                if isinstance(module, (nn.ReLU, nn.ReLU6)):
                    self.backward_hooks += _register_backward_hook(
                        module, self._backward_hook, self
                    )

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Captum warns that it adds hooks
            return Guided(network).attribute(x)
