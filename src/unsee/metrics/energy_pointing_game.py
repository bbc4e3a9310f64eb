"""Energy-based pointing game: how much of the map lies on the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Region, rate_regions
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency, with_positive_values
from unsee.types import Saliency

__all__ = ["EnergyPointingGame"]


def energy_pointing_game(maps: SaliencyLike, regions: Sequence[Region]) -> Float[Tensor, " b"]:
    """Return the share of each map's positive sum that lies on the object.

    sum over the object of max(s, 0), divided by the same sum over the image. A map without a
    positive value counts from its minimum. A constant map has the object's share of the image. NaN
    for an image without a label.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        regions: Object of each image: a boolean mask (h, w), or boxes (n, 4) with x1, y1, x2, y2.

    Reference: Wang et al., 2020, Score-CAM: score-weighted visual explanations for convolutional
    neural networks, CVPR Workshops, https://arxiv.org/abs/1910.01279
    """

    def share(saliency: Tensor, inside: Tensor) -> float:
        energy = with_positive_values(saliency).clamp(min=0)
        energy = energy if energy.any() else torch.ones_like(energy)
        return (energy[inside].sum() / energy.sum()).item()

    return rate_regions(as_saliency(maps), regions, share)


@dataclass(frozen=True)
class EnergyPointingGame(Metric):
    """Share of the map's positive sum that lies on the labelled object (Wang et al., 2020).

    Needs labelled objects and no score: `energy_pointing_game`. In [0, 1]; NaN for an image without
    a label.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each map."""
        return energy_pointing_game(saliency, [truth.region for truth in context.truths])
