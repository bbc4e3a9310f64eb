"""MPRT: is the map still the same when the classifier has forgotten?"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import check, forgetful_maps, likeness
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["MPRT"]


@dataclass(frozen=True)
class MPRT(Metric):
    """Model parameter randomisation test (Adebayo et al., NeurIPS 2018) as one number.

    The mean similarity of the map with those of the same class after ever more layers forgot, from
    the output down; `unsee sanity` draws them one by one. A classifier that forgot is made anew for
    each batch.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    layers: int = 4
    """How many of the network's layers, evenly; 0 takes all. Each costs an explanation."""
    order: Literal["cascading", "independent"] = "cascading"
    """All layers down to one, or that one alone."""
    similarity: Literal["spearman", "ssim", "hog"] = "spearman"
    """Of maps."""

    def __post_init__(self) -> None:
        check("mprt", self.layers)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The mean over the layers."""
        maps = forgetful_maps(score, context, self.order, self.layers, 1, 0.0)
        return torch.stack([likeness(saliency, one, self.similarity) for one in maps]).mean(0)
