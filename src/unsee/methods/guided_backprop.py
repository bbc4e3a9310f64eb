"""Guided back-propagation, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.types import Images

__all__ = ["GuidedBackprop"]


@dataclass(frozen=True)
class GuidedBackprop(CaptumMethod):
    """The gradient with negative parts cut off at every ReLU (Springenberg et al., 2015; Captum).

    ReLU6 counts as a ReLU (Captum itself passes it by). Networks whose ReLUs are functions instead
    of modules give the plain gradient, as with Captum.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True, needs_module=True)

    channels: Pooling = "max"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """One backward pass."""

        from captum._utils.common import _register_backward_hook

        class Guided(captum.GuidedBackprop):  # type: ignore[misc]
            def _register_hooks(self, module: nn.Module) -> None:
                if isinstance(module, (nn.ReLU, nn.ReLU6)):
                    self.backward_hooks += _register_backward_hook(
                        module, self._backward_hook, self
                    )

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it announces its hooks
            return Guided(network).attribute(x)
