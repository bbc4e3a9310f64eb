"""Occlusion, through Captum."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from unsee.errors import InputError
from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.methods.base import check_positive
from unsee.types import Images

__all__ = ["Occlusion"]


@dataclass(frozen=True)
class Occlusion(CaptumMethod):
    """A window slides over the image and shows what is behind (Zeiler & Fergus, 2014; Captum).

    Every pixel gets the mean drop over the windows that hold it; `sliding_patch` gives each window
    its drop and up-samples. What is behind is what the in-filler puts where nothing is kept.
    """

    measure: ClassVar[str] = "probability"

    patch: int = 29
    """Side of the window in pixels."""
    stride: int = 8
    """Distance between neighbouring windows in pixels."""
    channels: Pooling = "sum"
    """How channels become one map; they are hidden together and equal."""

    def __post_init__(self) -> None:
        check_positive("occlusion", patch=self.patch, stride=self.stride)

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """A forward pass for each window."""
        c, h, w = x.shape[1:]
        if not self.stride <= self.patch <= min(h, w):
            raise InputError(
                f"occlusion: expected stride <= patch <= {min(h, w)}, "
                f"got {self.stride} and {self.patch}"
            )
        places = (-(-(h - self.patch) // self.stride) + 1) * (
            -(-(w - self.patch) // self.stride) + 1
        )
        window, steps = (c, self.patch, self.patch), (c, self.stride, self.stride)
        return captum.Occlusion(network).attribute(
            x, window, steps, behind, perturbations_per_eval=network.at_a_time(places)
        )
