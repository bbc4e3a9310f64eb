"""Occlusion, through Captum."""

import math
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.errors import InputError
from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.methods.base import check_positive
from unsee.types import Images, Size

__all__ = ["Occlusion"]


@dataclass(frozen=True)
class Occlusion(CaptumMethod):
    """A window slides over the image and shows what is behind (Zeiler & Fergus, 2014; Captum).

    Every pixel gets the mean drop over the windows that hold it; `sliding_patch` gives each window
    its drop and up-samples. What is behind is what the in-filler puts where nothing is kept.
    """

    traits = replace(CaptumMethod.traits, measure="probability", allows_half_precision=True)

    patch: int = 29
    """Side of the window in pixels."""
    stride: int = 8
    """Distance between neighbouring windows in pixels."""
    channels: Pooling = "sum"
    """How channels become one map; they are hidden together and equal."""

    def __post_init__(self) -> None:
        check_positive("occlusion", patch=self.patch, stride=self.stride)

    def with_budget(self, passes: int, size: Size) -> "Occlusion":
        """The smallest stride whose places, and the whole image, the passes pay for."""
        stride = 1
        while stride < self.patch and _places(self.patch, stride, size) > passes - 1:
            stride += 1
        return replace(self, stride=stride)

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """A forward pass for each window."""
        c, h, w = x.shape[1:]
        if not self.stride <= self.patch <= min(h, w):
            raise InputError(
                f"occlusion: expected stride <= patch <= {min(h, w)}, "
                f"got {self.stride} and {self.patch}"
            )
        places = _places(self.patch, self.stride, (h, w))
        window, steps = (c, self.patch, self.patch), (c, self.stride, self.stride)
        return captum.Occlusion(network).attribute(
            x, window, steps, behind, perturbations_per_eval=network.at_a_time(places)
        )


def _places(patch: int, stride: int, size: Size) -> int:
    """How many windows there are; the last of a row may reach over the border."""
    return math.prod(-(-(side - patch) // stride) + 1 for side in size)
