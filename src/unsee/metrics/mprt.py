"""MPRT: whether the map depends on what the classifier has learned."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import (
    Layers,
    check_layers,
    maps_of_randomised_classifiers,
    mean_similarity,
)
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["MPRT"]


@dataclass(frozen=True)
class MPRT(Metric):
    """Mean similarity of the map with those of randomised classifiers (Adebayo et al., 2018).

    The model parameter randomisation test as one number. The method explains the same class for
    copies of the classifier whose layers are randomised from the output down. Rates the method,
    which computes the further maps. In [-1, 1]; 1 for a method that does not use the classifier. 0
    for a constant map. `unsee sanity` draws the maps of each layer.

    Reference: Adebayo et al., 2018, Sanity checks for saliency maps, NeurIPS,
    https://arxiv.org/abs/1810.03292
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy.stats", "skimage.feature", "skimage.metrics")

    higher_is_better: ClassVar[bool] = False
    needs_network: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    layers: Layers = 4
    """Number of randomised layers, evenly spaced over the network, or all; each costs one
    explanation."""
    order: Literal["cascading", "independent"] = "cascading"
    """Randomise all layers from the output down to one (cascading), or one alone (independent)."""
    similarity: Literal["spearman", "ssim", "hog"] = "spearman"
    """Similarity of two maps: a name of `_similarity.MEASURES`."""

    def __post_init__(self) -> None:
        check_layers("mprt", self.layers)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the mean similarity over the layers."""
        maps = maps_of_randomised_classifiers(score, context, layers=self.layers, order=self.order)
        return mean_similarity(saliency, maps, self.similarity)
