"""Infidelity, computed by Captum."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods._captum import ScoreModule, global_seed
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Infidelity"]

MAX_IMAGES_PER_BATCH = 16
"""Largest number of perturbed images in one pass of the classifier."""


@dataclass(frozen=True)
class Infidelity(Metric):
    """Mean squared error of the map as a linear model of the score under noise (Yeh et al., 2019).

    E[(d . map - (score(x) - score(x - d)))^2], with Gaussian noise d on the normalised pixels x.
    Captum's implementation with `normalize=True`: the map is scaled by its best factor, so that
    only its shape counts. 0 for the exact linear map; no upper limit. Needs Captum.

    Reference: Yeh et al., 2019, On the (in)fidelity and sensitivity of explanations, NeurIPS,
    https://arxiv.org/abs/1901.09392
    """

    libraries: ClassVar[tuple[str, ...]] = ("captum.metrics",)

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False  # on toys, a map without channels is no better than noise
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    requires: ClassVar[str | None] = "captum"

    samples: int = 50
    """Number of perturbations of each image."""
    noise: float = 0.2
    """Standard deviation of the noise, in units of the normalised pixels."""

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError(f"infidelity: expected samples >= 1, got {self.samples}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the infidelity of each map; each image has noise of its own seed."""
        from captum.metrics import infidelity

        network, values = ScoreModule(score), []
        x = score.classifier.normalise(score.images)

        def perturb(inputs: Tensor) -> Any:
            noise = self.noise * torch.randn_like(inputs)
            return noise, inputs - noise

        for i, seed in enumerate(score.seeds):
            network.row = i
            attributions = saliency[i].expand_as(x[i : i + 1]).contiguous()
            with global_seed(seed, x.device):
                batch_size = network.batch_size_for(MAX_IMAGES_PER_BATCH)
                value = infidelity(
                    network, perturb, x[i : i + 1], attributions,
                    n_perturb_samples=self.samples, max_examples_per_batch=batch_size,
                    normalize=True,
                )  # fmt: skip
            values.append(value.reshape(()))
        return torch.stack(values).to(saliency)
