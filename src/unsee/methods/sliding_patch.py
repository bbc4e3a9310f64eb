"""SP: the drop of the score when a sliding square patch is removed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_positive
from unsee.methods._defaults import reduced
from unsee.methods._sliding import centre_weights, places
from unsee.methods.base import Method, Progress, Traits
from unsee.types import Saliency, Size

__all__ = ["SlidingPatch"]


@dataclass(frozen=True)
class SlidingPatch(Method):
    """Measure the drop of the score when a sliding patch is removed (Zeiler & Fergus, ECCV 2014).

    The map is A = score(image) - score(patch removed), one number for each position of the patch,
    interpolated bilinearly between the centres of the patches. No gradient is needed. With a
    generative in-filler the method is SP-G.

    References: M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
    2014, https://arxiv.org/abs/1311.2901. Settings and SP-G: C. Agarwal, A. Nguyen, "Explaining
    image classifiers by removing input features using generative models", ACCV 2020,
    https://arxiv.org/abs/1910.04256, section 3.3.

    Departure from the published code of SP-G: it stretches the numbers over the whole image, which
    shows each drop away from its patch, towards the border. The recipes `sliding_patch` and
    `sliding_patch-g` do so too: their `placement` is `stretch`.
    """

    traits = Traits(allows_half_precision=True)

    patch: int = 29
    """Side of the patch in pixels (paper: 29; published script: 41). Where it is above half of an
    image's side, the default becomes 29/224 of that side, and the default stride with it."""
    stride: int = 3
    """Distance between neighbouring positions in pixels."""
    placement: Literal["centre", "stretch"] = "centre"
    """Place of each number on the map: at the centre of its patch, and the last patches end at the
    border (centre); or, as published, all numbers stretched over the image (stretch)."""

    def __post_init__(self) -> None:
        check_positive("sliding_patch", patch=self.patch, stride=self.stride)

    def with_budget(self, passes: int, size: Size) -> "SlidingPatch":
        """Return this method with the smallest stride that the passes pay for."""
        method, stride = replace(self, **reduced(self, min(size))), 1
        method = replace(method, stride=stride)
        while math.prod(map(len, method._starts(size))) > max(passes - 1, 1):
            stride += 1
            method = replace(method, stride=stride)
        return method

    def _starts(self, size: Size) -> list[list[int]]:
        """Return the first row of each row of patches, and the first column of each column.

        A stride with room for no second patch leaves one, in the middle.
        """
        if self.placement == "stretch":
            return [list(range(0, side - self.patch + 1, self.stride)) for side in size]
        return [
            places(side, self.patch, self.stride)
            if self.stride <= side - self.patch
            else [(side - self.patch) // 2]
            for side in size
        ]

    def _maps(self, drops: Tensor, starts: list[list[int]], size: Size) -> Saliency:
        """Return maps from the drop at each position."""
        if self.placement == "stretch":
            return masks.resize(drops[:, None], size)[:, 0, 0]
        rows, columns = (
            centre_weights(first, self.patch, side, drops)
            for first, side in zip(starts, size, strict=True)
        )
        return rows @ drops[:, 0] @ columns.mT

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each row of positions."""
        size = (score.images.shape[-2], score.images.shape[-1])
        if self.patch > min(size):
            raise InputError(
                f"sliding_patch: expected a patch of at most {min(size)} pixels, got {self.patch}"
            )
        starts = self._starts(size)
        tops, lefts = (torch.tensor(first, device=score.images.device) for first in starts)

        def draw(corners: Tensor, rows: RowIndex) -> Tensor:
            return masks.patches(corners[:, 0], corners[:, 1], (self.patch, self.patch), size)

        with torch.no_grad():
            whole = score(score.images.new_ones(len(score.images), 1, 1, *size))
            drops = score.images.new_zeros(len(score.images), 1, len(tops), len(lefts))
            for row, top in enumerate(tops):
                corners = torch.stack([top.expand(len(lefts)), lefts], 1).to(whole)
                scores = score(corners.expand(len(drops), -1, -1), draw=draw)
                drops[:, 0, row] = whole - scores
                maps = partial(self._maps, drops.clone(), starts, size)
                yield Progress(row + 1, len(tops), maps)
