"""Occlusion, through Captum."""

import math
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.errors import InputError
from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.methods._checks import check_positive
from unsee.methods._defaults import reduced
from unsee.types import Images, Size

__all__ = ["Occlusion"]


@dataclass(frozen=True)
class Occlusion(CaptumMethod):
    """Replace a sliding window by the background (Zeiler & Fergus, ECCV 2014).

    The map is, for each pixel p, the mean drop of the score over the windows W that contain it,

        mean_(W contains p) [score(image) - score(image with the background in W)],

    through Captum's `Occlusion`; `sliding_patch` up-samples the drops of the windows instead. The
    background is that which the in-filler computes when no pixel is kept.

    Reference: M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
    2014, https://arxiv.org/abs/1311.2901.

    Departures from the paper:
        - The paper shows the score for each position of a grey square; the mean over windows is
          Captum's, and the grey square is `--infiller grey`.
    """

    traits = replace(CaptumMethod.traits, measure="probability", allows_half_precision=True)

    patch: int = 29
    """Side of the window in pixels. Where it is above half of an image's side, the default becomes
    29/224 of that side, and the default stride with it."""
    stride: int = 8
    """Distance between neighbouring windows in pixels."""
    channels: Pooling = "sum"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max). Channels
    are removed together, so that their attributions are equal."""

    def __post_init__(self) -> None:
        check_positive("occlusion", patch=self.patch, stride=self.stride)

    def with_budget(self, passes: int, size: Size) -> "Occlusion":
        """Return this method with the smallest stride that the passes pay for."""
        method, stride = replace(self, **reduced(self, min(size))), 1
        while stride < method.patch and _places(method.patch, stride, size) > passes - 1:
            stride += 1
        return replace(method, stride=stride)

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the mean drops: one forward pass for each window."""
        c, h, w = x.shape[1:]
        if not self.stride <= self.patch <= min(h, w):
            raise InputError(
                f"occlusion: expected stride <= patch <= {min(h, w)}, "
                f"got {self.stride} and {self.patch}"
            )
        places = _places(self.patch, self.stride, (h, w))
        window, steps = (c, self.patch, self.patch), (c, self.stride, self.stride)
        return captum.Occlusion(network).attribute(
            x, window, steps, background, perturbations_per_eval=network.batch_size_for(places)
        )


def _places(patch: int, stride: int, size: Size) -> int:
    """Return the number of windows; the last of a row may extend beyond the border."""
    return math.prod(-(-(side - patch) // stride) + 1 for side in size)
