"""Max-sensitivity: how much the map changes under small changes of the image."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["MaxSensitivity"]


@dataclass(frozen=True)
class MaxSensitivity(Metric):
    """Largest relative change of the map under small uniform noise (Yeh et al., 2019).

    max over samples of |map(x + d) - map(x)| / |map(x)|, with Euclidean norms and d uniform in
    [-radius, radius] at each value of the image (paper: a ball around the normalised image). The
    method explains the same class for each sample, with the random numbers of the image itself.
    Rates the method, which computes the further maps. 0 if the map never changes, no upper limit;
    NaN for a map that is zero everywhere.

    Reference: Yeh et al., 2019, On the (in)fidelity and sensitivity of explanations, NeurIPS,
    https://arxiv.org/abs/1901.09392
    """

    higher_is_better: ClassVar[bool] = False
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    samples: int = 5
    """Number of noisy copies of each image; each costs one explanation."""
    radius: float = 0.02
    """Largest change of a pixel value, pixels being in [0, 1]."""

    def __post_init__(self) -> None:
        if self.samples < 1 or not self.radius > 0:
            raise InputError(
                "max_sensitivity: expected samples >= 1 and radius > 0, got "
                f"{self.samples} and {self.radius}"
            )

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the sensitivity of the method at each image."""
        norm = saliency.flatten(1).norm(dim=1)
        largest = torch.zeros_like(norm)
        shape = score.images.shape[1:]
        for sample in range(self.samples):
            noise = score.random.uniform(sample, *shape, stream="max_sensitivity")
            noisy = (score.images + self.radius * (2 * noise - 1)).clamp(0, 1)
            change = context.attribute(replace(score, images=noisy)) - saliency
            largest = torch.maximum(largest, change.flatten(1).norm(dim=1))
        return (largest / norm).where(norm > 0, torch.nan)
