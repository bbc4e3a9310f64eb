"""Gaussians over maps, between which nothing decides."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

STEADY = 8.0
"""Log variances stay within this."""


class Mixture(NamedTuple):
    """k Gaussians over the maps of n images, each as likely as the others."""

    means: Float[Tensor, "n k h w"]
    log_variances: Float[Tensor, "n k h w"]

    def one(
        self, which: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]:
        """Mean and log variance of one Gaussian of each image."""
        own = torch.arange(len(which), device=which.device)
        return self.means[own, which], self.log_variances[own, which]

    @property
    def mean(self) -> Float[Tensor, "n h w"]:
        """Of the mixture."""
        return self.means.mean(1)

    @property
    def deviation(self) -> Float[Tensor, "n h w"]:
        """Of the mixture: what a Gaussian leaves open, and what they disagree on."""
        return (self.log_variances.exp().mean(1) + self.means.var(1, correction=0)).sqrt()


def gaussians(pairs: Float[Tensor, "n _both h w"], start: Tensor | float = 0.0) -> Mixture:
    """Of a mean, counted from where all start, and a log variance each, the latter steadied."""
    means, log_variances = pairs[:, ::2], pairs[:, 1::2]
    return Mixture(means + start, torch.tanh(log_variances / STEADY) * STEADY)
