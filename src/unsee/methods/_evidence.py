"""Where a classifier's answer hangs on an image: its gradient, read along with its features."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import unwrapped
from unsee.classifiers.measures import log_odds
from unsee.images.filters import gaussian_blur
from unsee.networks.stages import Stages

LOST: dict[str, Any] = {"sigma": 5, "kernel": 11}
"""The blur that says what a pixel has that its surroundings have not."""


class Evident(Stages):
    """A network read at some of its modules, and asked what its answer hangs on.

    The last map is, for each pixel, the gradient of the log-odds of what the network answers times
    what a light blur takes away, summed over channels with its sign and without: the first-order
    change of the answer if that pixel were blurred. One pass forward and one back, as Grad-CAM.
    """

    backwards: ClassVar[int] = 1

    def __call__(self, x: Float[Tensor, "n c h w"]) -> tuple[Any, list[Tensor]]:
        """What the network says, its feature maps, and the evidence (n, 2, h, w)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            answer, features = super().__call__(x)
            said = unwrapped(answer).float()
            (gradient,) = torch.autograd.grad(log_odds(said, said.argmax(1)).sum(), x)
        x = x.detach()
        change = gradient.float() * (x - gaussian_blur(x, **LOST)).float()
        both = torch.cat([one.sum(1, keepdim=True) for one in (change, change.abs())], 1)
        return said.detach(), [*(map_.detach() for map_ in features), both]
