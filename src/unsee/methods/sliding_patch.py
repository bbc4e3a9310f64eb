"""SP: the drop of the score when a sliding square patch is removed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_positive
from unsee.methods._defaults import reduced
from unsee.methods.base import Method, Progress, Traits, fixed_maps
from unsee.types import Size

__all__ = ["SlidingPatch"]


@dataclass(frozen=True)
class SlidingPatch(Method):
    """Measure the drop of the score when a sliding patch is removed (Zeiler & Fergus, ECCV 2014).

    The map is A = score(image) - score(patch removed), one number for each position of the patch,
    up-sampled bilinearly to the image. No gradient is needed. With a generative in-filler the
    method is SP-G.

    References: M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
    2014, https://arxiv.org/abs/1311.2901. Settings and SP-G: C. Agarwal, A. Nguyen, "Explaining
    image classifiers by removing input features using generative models", ACCV 2020,
    https://arxiv.org/abs/1910.04256, section 3.3.
    """

    traits = Traits(allows_half_precision=True)

    patch: int = 29
    """Side of the patch in pixels (paper: 29; published script: 41). Where it is above half of an
    image's side, the default becomes 29/224 of that side, and the default stride with it."""
    stride: int = 3
    """Distance between neighbouring positions in pixels."""

    def __post_init__(self) -> None:
        check_positive("sliding_patch", patch=self.patch, stride=self.stride)

    def with_budget(self, passes: int, size: Size) -> "SlidingPatch":
        """Return this method with the smallest stride that the passes pay for."""
        method, stride = replace(self, **reduced(self, min(size))), 1
        while math.prod((side - method.patch) // stride + 1 for side in size) > max(passes - 1, 1):
            stride += 1
        return replace(method, stride=stride)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each row of positions."""
        size = score.images.shape[-2:]
        if self.patch > min(size):
            raise InputError(
                f"sliding_patch: expected a patch of at most {min(size)} pixels, got {self.patch}"
            )
        tops, lefts = (
            torch.arange(0, side - self.patch + 1, self.stride, device=score.images.device)
            for side in size
        )

        def draw(corners: Tensor, rows: RowIndex) -> Tensor:
            return masks.patches(corners[:, 0], corners[:, 1], (self.patch, self.patch), size)

        with torch.no_grad():
            whole = score(score.images.new_ones(len(score.images), 1, 1, *size))
            drops = score.images.new_zeros(len(score.images), 1, len(tops), len(lefts))
            for row, top in enumerate(tops):
                corners = torch.stack([top.expand(len(lefts)), lefts], 1).to(whole)
                scores = score(corners.expand(len(drops), -1, -1), draw=draw)
                drops[:, 0, row] = whole - scores
                fine = masks.resize(drops[:, None], size)[:, 0, 0]
                yield Progress(row + 1, len(tops), fixed_maps(fine))
