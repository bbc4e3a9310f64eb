"""Infidelity, through Captum."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.methods._captum import Scored, seeded
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Infidelity"]


@dataclass(frozen=True)
class Infidelity(Metric):
    """Mean squared error of the map as a linear model of the score under noise (Yeh et al. 2019).

    Captum's, normalised: the map is scaled by the factor that fits best, so that only its shape
    counts. Gaussian noise on normalised pixels; the extra `baselines` installs Captum.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False  # maps without channels rank no better than noise on toys
    bounds: ClassVar[tuple[float, float]] = (0.0, 1e9)
    requires: ClassVar[str] = "captum"

    samples: int = 50
    """Perturbations of each image."""
    noise: float = 0.2
    """Standard deviation of the noise, in units of the network's inputs."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """One image after another, each with its own noise."""
        from captum.metrics import infidelity

        network, found = Scored(score), []
        x = score.classifier.normalise(score.images)

        def perturb(inputs: Tensor) -> Any:
            noise = self.noise * torch.randn_like(inputs)
            return noise, inputs - noise

        for i, seed in enumerate(score.seeds):
            network.row = i
            attributions = saliency[i].expand_as(x[i : i + 1]).contiguous()
            with seeded(seed, x.device):
                value = infidelity(
                    network, perturb, x[i : i + 1], attributions,
                    n_perturb_samples=self.samples, max_examples_per_batch=network.at_a_time(16),
                    normalize=True,
                )  # fmt: skip
            found.append(value.reshape(()))
        return torch.stack(found).to(saliency)
