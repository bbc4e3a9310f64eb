"""Efficient MPRT: does the map get more complex when the classifier has forgotten everything?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import forgetful_maps
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["EfficientMPRT"]


@dataclass(frozen=True)
class EfficientMPRT(Metric):
    """Relative rise in complexity when all layers forget (Hedstroem et al. 2023, efficient MPRT).

    (H(map of the random classifier) - H(map)) / H(map), H being the entropy of the histogram of the
    map's values. One explanation more, no similarity and no order of the layers.
    """

    higher_is_better: ClassVar[bool] = True
    compares: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1e9)

    bins: int = 100
    """Of the histogram, between the extremes of each map."""

    def __post_init__(self) -> None:
        if self.bins < 2:
            raise InputError(f"efficient_mprt: expected bins >= 2, got {self.bins}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """NaN for a map of a single value."""
        (random,) = forgetful_maps(score, context, "cascading", 1, 1, 0.0)
        before, after = self._complexity(saliency), self._complexity(random)
        return torch.where(before > 0, (after - before) / before.clamp(min=1e-12), torch.nan)

    def _complexity(self, maps: Saliency) -> Float[Tensor, " b"]:
        rows = []
        for one in maps.flatten(1):
            low, high = one.aminmax()
            place = ((one - low) / (high - low).clamp(min=1e-12) * self.bins).long()
            count = torch.bincount(place.clamp(max=self.bins - 1), minlength=self.bins)
            rows.append(torch.special.entr(count / count.sum()).sum())
        return torch.stack(rows).to(maps)
