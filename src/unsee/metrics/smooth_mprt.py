"""Smooth MPRT: MPRT of maps that are averaged over noisy copies of the image."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import (
    Layers,
    check_layers,
    maps_of_randomised_classifiers,
    mean_similarity,
    smoothed_map,
)
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SmoothMPRT"]


@dataclass(frozen=True)
class SmoothMPRT(Metric):
    """Mean similarity of averaged maps with those of randomised classifiers (Hedström et al.).

    MPRT of maps that are averaged over noisy copies of each image, since MPRT favours methods with
    noisy maps. Rates the method, which computes all maps: the values of the rated map are not used.
    In [-1, 1]; `samples = 1` is MPRT.

    Reference: Hedström et al., 2023, Sanity checks revisited: an exploration to repair the model
    parameter randomisation test, https://arxiv.org/abs/2401.06465
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy.stats", "skimage.feature", "skimage.metrics")

    higher_is_better: ClassVar[bool] = False
    needs_network: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    layers: Layers = 4
    """Number of randomised layers, evenly spaced over the network, or all."""
    samples: int = 4
    """Number of noisy copies of each image; each costs one explanation per layer, and one for the
    classifier itself (paper: 50)."""
    noise: float = 0.1
    """Standard deviation of the Gaussian noise, pixels being in [0, 1]."""
    similarity: Literal["spearman", "ssim", "hog"] = "spearman"
    """Similarity of two maps: a name of `_similarity.MEASURES`."""

    def __post_init__(self) -> None:
        check_layers("smooth_mprt", self.layers)
        if self.samples < 1:
            raise InputError(f"smooth_mprt: expected samples >= 1, got {self.samples}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the mean similarity over the layers."""
        smoothed = smoothed_map(score, context, self.samples, self.noise)
        maps = maps_of_randomised_classifiers(
            score, context, layers=self.layers, samples=self.samples, noise=self.noise
        )
        return mean_similarity(smoothed, maps, self.similarity)
