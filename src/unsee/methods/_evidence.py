"""Gradient evidence: the first-order effect of a blur on the classifier's prediction."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.passes import predicted_class_gradient, unwrapped
from unsee.images.filters import gaussian_blur
from unsee.networks.stages import FeatureExtractor

BLUR: dict[str, Any] = {"sigma": 5, "kernel": 11}
"""Blur that removes what distinguishes a pixel from its surroundings; in pixels."""


def gradient_evidence(
    inputs: Float[Tensor, "n c h w"], gradient: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n 2 h w"]:
    """Return the first-order change of the prediction if each pixel were blurred.

    With the gradient g of the predicted class's log-odds, sum_c g_c (x - blur(x))_c and
    sum_c |g_c (x - blur(x))_c|, as two maps.

    Args:
        inputs: Normalised images x.
        gradient: Gradient g with respect to them.
    """
    change = gradient.float() * (inputs - gaussian_blur(inputs, **BLUR)).float()
    return torch.cat([part.sum(1, keepdim=True) for part in (change, change.abs())], 1)


class GradientEvidence(FeatureExtractor):
    """A feature extractor whose last map is gradient evidence.

    A call takes one forward and one backward pass, as Grad-CAM does.
    """

    def __call__(self, x: Float[Tensor, "n c h w"]) -> tuple[Any, list[Tensor]]:
        """Return the logits for normalised images, the feature maps, and the evidence."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            output, features = super().__call__(x)
            logits = unwrapped(output).float()
            gradient = predicted_class_gradient(logits, x)
        evidence = gradient_evidence(x.detach(), gradient)
        return logits.detach(), [*(map_.detach() for map_ in features), evidence]
