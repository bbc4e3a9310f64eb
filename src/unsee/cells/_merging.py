"""Segments by colour, merged until there are no more than a number of them."""

import heapq
from abc import abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.cells.base import MAX_SEGMENTS, Cells, Labels, ShownPhoto
from unsee.errors import InputError
from unsee.registry import name_of


@dataclass(frozen=True)
class MergedSegments(Cells):
    """Base of segments by colour. Where more than n result, the smallest ones are merged."""

    n: int = 150
    """Largest number of segments; there may be fewer."""

    def __post_init__(self) -> None:
        if not 2 <= self.n <= MAX_SEGMENTS:
            raise InputError(
                f"{name_of(self)}: expected n = 2 to {MAX_SEGMENTS} segments, got {self.n}"
            )

    @property
    def limit(self) -> int:
        """Largest number of segments."""
        return self.n

    @abstractmethod
    def by_colour(self, image: Float[Tensor, "c h w"]) -> NDArray[np.int64]:
        """Return the segment of each pixel, before any are merged."""

    @final
    def segment(self, photo: ShownPhoto) -> Labels:
        """Return the segment of each pixel."""
        pixels = photo.image.permute(1, 2, 0).cpu().double().numpy()
        return torch.from_numpy(merged(self.by_colour(photo.image), pixels, self.n))


def merged(labels: NDArray[np.int64], pixels: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Return labels (h, w) with at most `most` segments.

    The smallest segment joins that neighbour whose mean colour is nearest, until few enough are
    left. Of equal segments the one with the lowest number comes first.

    Args:
        labels: Number of the segment of each pixel.
        pixels: Colours (h, w, c).
        most: Number of segments that may be left, at least one.
    """
    _, inverse = np.unique(labels, return_inverse=True)
    labels = inverse.reshape(labels.shape)
    sizes = np.bincount(labels.ravel())
    count = len(sizes)
    if count <= most:
        return labels
    colours = np.stack(
        [np.bincount(labels.ravel(), plane.ravel()) for plane in np.moveaxis(pixels, 2, 0)], 1
    )
    neighbours = _neighbours(labels, count)
    owner = np.arange(count)
    queue = [(int(size), number) for number, size in enumerate(sizes)]
    heapq.heapify(queue)
    while count > most:
        size, small = heapq.heappop(queue)
        if owner[small] != small or size != sizes[small]:
            continue  # it was merged, or has grown since
        near = sorted(neighbours[small])
        means = colours[near] / sizes[near, None]
        distance = np.square(means - colours[small] / size).sum(1)
        other = near[int(distance.argmin())]
        owner[small] = other
        sizes[other] += size
        colours[other] += colours[small]
        for number in neighbours.pop(small):
            neighbours[number].discard(small)
            if number != other:
                neighbours[number].add(other)
                neighbours[other].add(number)
        heapq.heappush(queue, (int(sizes[other]), other))
        count -= 1
    while (owner[owner] != owner).any():
        owner = owner[owner]
    return owner[labels]


def _neighbours(labels: NDArray[np.int64], count: int) -> dict[int, set[int]]:
    """Return the segments that share a border with each segment."""
    pairs = np.concatenate(
        [
            np.stack([labels[1:].ravel(), labels[:-1].ravel()], 1),
            np.stack([labels[:, 1:].ravel(), labels[:, :-1].ravel()], 1),
        ]
    )
    neighbours: dict[int, set[int]] = {number: set() for number in range(count)}
    for a, b in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)
    return neighbours
