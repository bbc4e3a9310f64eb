"""The energy-based pointing game: how much of the map is on the object?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import on_objects
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["EnergyPointingGame"]


@dataclass(frozen=True)
class EnergyPointingGame(Metric):
    """Share of the map's positive sum that lies on the object (Wang et al., CVPRW 2020: Score-CAM).

    A map without anything positive is as good as a flat one.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """NaN where no object is labelled."""

        def share(one: Tensor, inside: Tensor) -> float:
            energy = one.clamp(min=0)
            energy = energy if energy.any() else torch.ones_like(energy)
            return (energy[inside].sum() / energy.sum()).item()

        return on_objects(saliency, context.truths, share)
