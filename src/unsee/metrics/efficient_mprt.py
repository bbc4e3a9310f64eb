"""Efficient MPRT: whether the map becomes more complex if the classifier is randomised."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics._randomised import maps_of_randomised_classifiers
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency, rescale
from unsee.types import Saliency

__all__ = ["EfficientMPRT"]


def histogram_entropy(maps: SaliencyLike, bins: int = 100) -> Float[Tensor, " b"]:
    """Return the entropy of the histogram of each map's values, in nats.

    -sum_k p_k log(p_k), with p_k the share of the pixels in bin k. The bins divide the range of the
    map evenly. 0 for a constant map.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        bins: Number of bins, 2 or more.

    Raises:
        InputError: For fewer than 2 bins.
    """
    _check_bins(bins)
    saliency = as_saliency(maps)
    entropies = []
    for values in rescale(saliency).flatten(1):
        bin_of = (values * bins).long()
        counts = torch.bincount(bin_of.clamp(max=bins - 1), minlength=bins)
        entropies.append(torch.special.entr(counts / counts.sum()).sum())
    return torch.stack(entropies).to(saliency)


def _check_bins(bins: int) -> None:
    if bins < 2:
        raise InputError(f"efficient_mprt: expected bins >= 2, got {bins}")


@dataclass(frozen=True)
class EfficientMPRT(Metric):
    """Relative rise of the map's entropy if all layers are randomised (Hedström et al., 2023).

    (H(randomised) - H(map)) / H(map), with H the entropy of the histogram of a map's values:
    `histogram_entropy`. It needs one further explanation per image, and neither a similarity nor an
    order of layers. At least -1; NaN for a constant map.

    Reference: Hedström et al., 2023, Sanity checks revisited: an exploration to repair the model
    parameter randomisation test, https://arxiv.org/abs/2401.06465
    """

    higher_is_better: ClassVar[bool] = True
    needs_network: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, math.inf)

    bins: int = 100
    """Number of bins of the histogram."""

    def __post_init__(self) -> None:
        _check_bins(self.bins)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the relative rise of each image."""
        (random_maps,) = maps_of_randomised_classifiers(score, context, layers=1)
        before = histogram_entropy(saliency, self.bins)
        after = histogram_entropy(random_maps, self.bins)
        return torch.where(before > 0, (after - before) / before.clamp(min=1e-12), torch.nan)
