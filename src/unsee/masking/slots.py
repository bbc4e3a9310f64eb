"""Segments of images on a grid: each segment has a slot, and neighbours stay near each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.cells.base import Cells, Labels, ShownPhoto
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.registry import resolve
from unsee.types import FlatKeep, Images, Keep, Size


@dataclass(frozen=True, eq=False)
class Slots:
    """The segments of a batch of images, each in a slot of a grid of `side` x `side`.

    A mask of that grid has a value for each segment. Slots without a segment have no pixels.
    """

    cells: Cells
    """Cells that made the segments."""
    side: int
    """Slots along each side, fewer than pixels."""
    labels: Int[Tensor, "b h w"]
    """Slot of each pixel, row by row from 0."""

    def holds(self, mask: Float[Tensor, "*n 1 gh gw"]) -> bool:
        """Return whether a mask has a value for each slot; others are resized bilinearly."""
        return tuple(mask.shape[-2:]) == (self.side, self.side)

    def rows(self, numbers: Int[Tensor, " n"]) -> "Slots":
        """Return the slots of selected images."""
        return replace(self, labels=self.labels[numbers])

    def to(self, device: torch.device) -> "Slots":
        """Return the same slots on a device."""
        return replace(self, labels=self.labels.to(device))

    def to_pixels(self, values: Float[Tensor, "n 1 g g"], image: Int[Tensor, " n"]) -> FlatKeep:
        """Return the value of each pixel's slot, for rows of the images of these numbers."""
        pixels: Tensor = _Gather.apply(values.flatten(1), self, image)
        return pixels.view(len(values), 1, *self.labels.shape[1:])

    def means(self, maps: Float[Tensor, "b k 1 h w"]) -> Keep:
        """Return the mean of each slot; one without pixels has the mean of the image."""
        flat = maps.flatten(2)
        image = torch.arange(len(maps), device=maps.device).repeat_interleave(maps.shape[1])
        sums = self._sums(flat.flatten(0, 1), image).view(*flat.shape[:2], -1)
        whole = flat.mean(2, keepdim=True)
        counts = self._counts[:, None]
        means = torch.where(counts > 0, sums / counts.clamp(min=1), whole)
        return means.view(*maps.shape[:2], 1, self.side, self.side)

    @cached_property
    def sizes(self) -> Float[Tensor, "b 1 1 g g"]:
        """Number of pixels of each slot, in units of their mean."""
        sizes = self._counts * (self.side**2 / self.labels[0].numel())
        return sizes.view(-1, 1, 1, self.side, self.side)

    @cached_property
    def counts(self) -> list[int]:
        """Number of segments of each image."""
        return (self._counts > 0).sum(1).tolist()

    def segments(self, number: int) -> Labels:
        """Return the segment of each pixel of one image, numbered from 0."""
        labels: Tensor = self.labels[number].unique(return_inverse=True)[1]
        return labels

    @cached_property
    def _counts(self) -> Float[Tensor, "b s"]:
        """Number of pixels of each slot."""
        pixels, slots = self.labels.flatten(1), self.side**2
        first = slots * torch.arange(len(pixels), device=pixels.device)[:, None]
        counts = (pixels + first).flatten().bincount(minlength=slots * len(pixels))
        return counts.view(-1, slots).float()

    @cached_property
    def _order(self) -> Int[Tensor, "b hw"]:
        """Pixels of each image, slot by slot."""
        return self.labels.flatten(1).argsort(dim=1, stable=True)

    def _sums(
        self, values: Float[Tensor, "n hw"], image: Int[Tensor, " n"]
    ) -> Float[Tensor, "n s"]:
        """Return the sum of the pixels of each slot, always in the same order."""
        if values.device.type != "cuda":
            sums = values.new_zeros(len(values), self.side**2)
            return sums.scatter_add_(1, self.labels.flatten(1)[image], values)
        return self._ordered_sums(values, image)

    def _ordered_sums(
        self, values: Float[Tensor, "n hw"], image: Int[Tensor, " n"]
    ) -> Float[Tensor, "n s"]:
        """Return the sums of the slots without additions in parallel, whose order varies."""
        ordered = values.gather(1, self._order[image]).flatten()
        lengths = self._counts[image].long().flatten()
        sums = torch.segment_reduce(ordered, "sum", lengths=lengths, unsafe=True, initial=0)
        return sums.view(len(values), -1)


class _Gather(torch.autograd.Function):
    """The value of each pixel's slot; the gradient is a sum over the pixels of each slot.

    Torch's own gradient is not deterministic on a GPU.
    """

    @staticmethod
    def forward(ctx, values, slots, image):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Forward pass: gather."""
        ctx.slots, ctx.image = slots, image
        return values.gather(1, slots.labels.flatten(1)[image])

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Backward pass: the sum of each slot."""
        return ctx.slots._sums(gradient, ctx.image), None, None


def bind_cells(
    cells: Cells, images: Images, framing: Framing, sizes: Sequence[Size | None]
) -> Slots | None:
    """Segment images and give each segment a slot; None for cells that are the grid of a method.

    Args:
        cells: Cells.
        images: Images as the classifier sees them.
        framing: How the classifier frames photos.
        sizes: Height and width of the photo of each image, None for one that was not framed.

    Raises:
        InputError: A setting is invalid, the segments of an image cannot be used, or cells without
            a limit need grids of several sizes: maps would depend on the other images.
    """
    cells.check()
    segmented = []
    for image, size in zip(images, sizes, strict=True):
        labels = cells.labels(ShownPhoto(image, framing, size))
        if labels is None:
            return None
        segmented.append(labels.cpu())
    counts = [int(labels.max()) + 1 for labels in segmented]
    sides = {math.isqrt(most - 1) + 1 for most in ([cells.limit] if cells.limit else counts)}
    if len(sides) > 1:
        raise InputError(
            f"{type(cells).__name__} makes {min(counts)} to {max(counts)} segments, which need "
            "grids of several sizes, so maps would depend on the other images; explain the images "
            "one by one, or give the cells a `limit`"
        )
    side = sides.pop()
    labels = torch.stack([assign(labels, side) for labels in segmented])
    return Slots(cells, side, labels.to(images.device))


CellsOrName = Cells | Slots | str
"""Cells, their name with or without settings, or those of another score of the same images."""


def resolve_cells(
    cells: CellsOrName | None, images: Images, framing: Framing, sizes: Sequence[Size | None]
) -> Slots | None:
    """Return the slots of images; None, or cells that are the grid of a method, have none.

    Raises:
        InputError: There are no such cells, or see `bind_cells`.
    """
    if cells is None:
        return None
    if isinstance(cells, Slots):
        return cells.to(images.device)
    return bind_cells(resolve("cells", cells), images, framing, sizes)


def assign(labels: Labels, side: int) -> Labels:
    """Return the slot of each pixel, such that segments and slots have like positions.

    The sum of the squared distances between the centre of each segment in the image and that of
    its slot in the grid is as small as possible.

    Args:
        labels: Segments, numbered from 0, at most `side`^2.
        side: Slots along each side of the grid.
    """
    from scipy.optimize import linear_sum_assignment

    (h, w), flat = labels.shape, labels.flatten().numpy()
    count = np.bincount(flat)
    rows, columns = np.divmod(np.arange(h * w), w)
    centres = [
        np.bincount(flat, (position + 0.5) / length) / count
        for position, length in ((rows, h), (columns, w))
    ]
    slots = [(part + 0.5) / side for part in np.divmod(np.arange(side**2), side)]
    distance = sum(
        np.square(centre[:, None] - slot) for centre, slot in zip(centres, slots, strict=True)
    )
    _, slot_of = linear_sum_assignment(distance)
    return torch.from_numpy(slot_of)[labels]
