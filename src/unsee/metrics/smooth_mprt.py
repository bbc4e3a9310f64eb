"""Smooth MPRT: the same on maps from which the noise is averaged away."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import check, forgetful_maps, likeness, smoothed
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SmoothMPRT"]


@dataclass(frozen=True)
class SmoothMPRT(Metric):
    """MPRT on maps averaged over noisy photos (Hedstroem et al. 2023, smooth MPRT).

    The mean similarity of the averaged map with the averaged maps of the same class after ever more
    layers forgot. Methods whose maps are noisy look sensitive under plain MPRT; here they do not.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    layers: int = 4
    """How many of the network's layers, evenly; 0 takes all."""
    samples: int = 4
    """Noisy photos for each map; each costs an explanation for each layer (paper: 50)."""
    noise: float = 0.1
    """Standard deviation of the noise, pixels being in [0, 1]."""
    similarity: Literal["spearman", "ssim", "hog"] = "spearman"
    """Of maps."""

    def __post_init__(self) -> None:
        check("smooth_mprt", self.layers, self.samples)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The mean over the layers; the given map itself is not used, its average is."""
        whole = smoothed(score, context, self.samples, self.noise)
        maps = forgetful_maps(score, context, "cascading", self.layers, self.samples, self.noise)
        return torch.stack([likeness(whole, one, self.similarity) for one in maps]).mean(0)
