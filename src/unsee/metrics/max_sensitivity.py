"""Max-sensitivity: how far the map moves when the photo barely does."""

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
    """Largest relative change of the map under small uniform noise (Yeh et al., NeurIPS 2019).

    max over samples of |map(x + d) - map(x)| / |map(x)|, Euclidean, with d uniform in [-radius,
    radius] at each value of the photo (paper: a ball in normalised space). The method explains the
    same class again for each sample, with the noise that it would draw for the photo itself.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1e9)

    samples: int = 5
    """Photos near each photo; each costs a whole explanation."""
    radius: float = 0.02
    """Of the noise, pixels being in [0, 1]."""

    def __post_init__(self) -> None:
        if self.samples < 1 or not self.radius > 0:
            raise InputError(
                "max_sensitivity: expected samples >= 1 and radius > 0, got "
                f"{self.samples} and {self.radius}"
            )

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """NaN for a map that is zero everywhere."""
        length = saliency.flatten(1).norm(dim=1)
        worst = torch.zeros_like(length)
        shape = score.images.shape[1:]
        for sample in range(self.samples):
            noise = score.random.uniform(sample, *shape, stream="max_sensitivity")
            near = (score.images + self.radius * (2 * noise - 1)).clamp(0, 1)
            moved = context.again(replace(score, images=near)) - saliency
            worst = torch.maximum(worst, moved.flatten(1).norm(dim=1))
        return torch.where(length > 0, worst / length.clamp(min=1e-12), torch.nan)
