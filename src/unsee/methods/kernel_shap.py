"""Kernel SHAP, through Captum."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from unsee.images.superpixels import Cut, check_segments, cut
from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.methods.base import check_positive
from unsee.types import Images, Size

__all__ = ["KernelSHAP"]


@dataclass(frozen=True)
class KernelSHAP(CaptumMethod):
    """Shapley values of superpixels, by weighted regression (Lundberg & Lee, 2017; Captum).

    A hidden superpixel shows what the in-filler puts where nothing is kept.
    """

    traits = replace(CaptumMethod.traits, measure="probability")

    superpixels: Cut = "slic"
    """How the image is cut up."""
    segments: int = 50
    """Superpixels wanted."""
    samples: int = 1000
    """Masked pictures for each image."""
    channels: Pooling = "sum"
    """How channels become one map; they are hidden together and equal."""

    def __post_init__(self) -> None:
        check_positive("kernel_shap", segments=self.segments, samples=self.samples)

    def with_budget(self, passes: int, size: Size) -> "KernelSHAP":
        """As many samples as the passes pay for."""
        return replace(self, samples=max(1, passes - 2))

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """A forward pass for each sample, the whole and the empty image."""
        check_segments("kernel_shap", self.segments, network.score.images)
        pieces = cut(network.score.images[network.row], self.superpixels, self.segments)
        if int(pieces.max()) == 0:  # a single superpixel is worth everything
            with torch.no_grad():
                return (network(x) - network(behind)).view(-1, 1, 1, 1).expand_as(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it says that it casts to integers
            return captum.KernelShap(network).attribute(
                x, behind, feature_mask=pieces[None, None], n_samples=self.samples,
                perturbations_per_eval=network.at_a_time(self.samples),
            )  # fmt: skip
