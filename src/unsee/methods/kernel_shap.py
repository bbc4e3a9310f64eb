"""Kernel SHAP, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from unsee.images.superpixels import Segmentation, check_segments, segment
from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.methods._checks import check_positive
from unsee.types import Images, Size

__all__ = ["KernelSHAP"]


@dataclass(frozen=True)
class KernelSHAP(CaptumMethod):
    """Estimate Shapley values of superpixels by weighted regression (Lundberg & Lee, 2017).

    The map is the Shapley value of the superpixel of each pixel, the coefficient phi_i of the s
    superpixels that minimises

        sum_z w(z) (score(z) - score(0) - sum_i phi_i z_i)^2,
        w(z) = (s - 1) / (binomial(s, |z|) |z| (s - |z|)),

    with sum_i phi_i = score(1) - score(0), over masks z in {0, 1}^s, |z| of which are 1. A removed
    superpixel is replaced by the background that the in-filler computes when no pixel is kept.
    Segments that are given as cells replace the superpixels. Captum's `KernelShap` draws |z| and
    then z by these weights, and fits the regression to the draws.

    Reference: S. Lundberg, S.-I. Lee, "A Unified Approach to Interpreting Model Predictions",
    NeurIPS 2017, https://arxiv.org/abs/1705.07874.
    """

    libraries: ClassVar[tuple[str, ...]] = (
        "captum.attr", "skimage.segmentation:slic", "skimage.segmentation:quickshift",
    )  # fmt: skip

    traits = replace(CaptumMethod.traits, measure="probability", cells=("superpixels", "segments"))

    superpixels: Segmentation = "slic"
    """Segmentation of the image into superpixels."""
    segments: int = 50
    """Number of superpixels."""
    samples: int = 1000
    """Number of masked images for each image."""
    channels: Pooling = "sum"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max). Channels
    are removed together, so that their attributions are equal."""

    def __post_init__(self) -> None:
        check_positive("kernel_shap", segments=self.segments, samples=self.samples)

    def with_budget(self, passes: int, size: Size) -> "KernelSHAP":
        """Return this method with as many samples as the passes pay for."""
        return replace(self, samples=max(1, passes - 2))

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the Shapley values: a pass for each sample, the image and its background."""
        score, row = network.score, network.row
        if score.slots is not None:
            labels = score.slots.segments(row)
        else:
            check_segments("kernel_shap", self.segments, score.images)
            labels = segment(score.images[row], self.superpixels, self.segments)
        if int(labels.max()) == 0:  # a single superpixel has the whole difference
            with torch.no_grad():
                return (network(x) - network(background)).view(-1, 1, 1, 1).expand_as(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Captum warns that it casts to integers
            return captum.KernelShap(network).attribute(
                x, background, feature_mask=labels[None, None], n_samples=self.samples,
                perturbations_per_eval=network.batch_size_for(self.samples),
            )  # fmt: skip
