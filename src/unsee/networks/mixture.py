"""Mixtures of Gaussians over maps, with equal weights."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

MAX_LOG_VARIANCE = 8.0
"""Bound of the absolute log variance."""


class Mixture(NamedTuple):
    """Mixtures of k Gaussians over maps for n images; all components have weight 1/k."""

    means: Float[Tensor, "n k h w"]
    log_variances: Float[Tensor, "n k h w"]

    def component(
        self, index: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]:
        """Return mean and log variance of one component for each image."""
        image = torch.arange(len(index), device=index.device)
        return self.means[image, index], self.log_variances[image, index]

    @property
    def mean(self) -> Float[Tensor, "n h w"]:
        """Mean of the mixture."""
        return self.means.mean(1)

    @property
    def deviation(self) -> Float[Tensor, "n h w"]:
        """Standard deviation of the mixture: within the components and between their means."""
        return (self.log_variances.exp().mean(1) + self.means.var(1, correction=0)).sqrt()


def gaussians(pairs: Float[Tensor, "n _channels h w"], start: Tensor | float = 0.0) -> Mixture:
    """Return Gaussians from channels that alternate between means and log variances.

    Args:
        pairs: A network's output. Log variances are bounded by `MAX_LOG_VARIANCE` through a tanh.
        start: Added to all means.
    """
    means, log_variances = pairs[:, ::2], pairs[:, 1::2]
    bounded = torch.tanh(log_variances / MAX_LOG_VARIANCE) * MAX_LOG_VARIANCE
    return Mixture(means + start, bounded)
