"""Outside change: how much the answer depends on a patch that does not touch the object."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import region_mask
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["OutsideChange"]


@dataclass(frozen=True)
class OutsideChange(Metric):
    """Mean change of the probability while a patch outside the labelled object is removed.

    mean |p(image) - p(image without the patch)| over the places of a square patch, evenly spaced,
    at which it contains no pixel of the object. Needs labelled objects and no map: it rates the
    in-filler. In [0, 1]; 0 if removing a part of the background changes nothing. NaN for an image
    without a label, and for one whose background has no room for the patch.

    Reference: Agarwal and Nguyen, 2020, Explaining image classifiers by removing input features
    using generative models, ACCV, section 5.1, https://arxiv.org/abs/1910.04256
    """

    higher_is_better: ClassVar[bool] = False
    needs_truth: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False

    patch: int = 53
    """Side of the patch in pixels (paper: 53 of 224); half the shorter side, if that is less."""
    stride: int = 16
    """Distance of neighbouring places in pixels (paper: 3)."""

    def __post_init__(self) -> None:
        if self.patch < 1 or self.stride < 1:
            raise InputError(
                "outside_change: expected patch >= 1 and stride >= 1, got "
                f"{self.patch} and {self.stride}"
            )

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the mean change of each image."""
        score = replace(score, measure=probability, slots=None)
        values = [
            self._change(score, saliency, image, truth.region)
            for image, truth in enumerate(context.truths)
        ]
        return saliency.new_tensor(values)

    def _change(self, score: MaskedScore, saliency: Saliency, image: int, region: Tensor) -> float:
        inside = region_mask(region, saliency[image])
        keep = None if inside is None else self._places(inside)
        if keep is None or not keep.shape[1]:
            return torch.nan
        one = slice(image, image + 1)
        score = replace(
            score, images=score.images[one], targets=score.targets[one], seeds=score.seeds[one]
        )
        whole = score(torch.ones_like(keep[:, :1]))
        return (score(keep) - whole).abs().mean().item()

    def _places(self, inside: Tensor) -> Float[Tensor, "1 k 1 h w"]:
        """Return a mask for each place at which the patch contains no pixel of the object."""
        h, w = inside.shape
        patch = min(self.patch, h // 2, w // 2)
        rows, columns = (
            torch.arange(0, side - patch + 1, self.stride, device=inside.device) for side in (h, w)
        )
        tops, lefts = (
            places.flatten().float() for places in torch.meshgrid(rows, columns, indexing="ij")
        )
        keep = masks.patches(tops, lefts, (patch, patch), (h, w))
        beside = ((1 - keep) * inside).flatten(1).sum(1) == 0
        return keep[beside][None]
