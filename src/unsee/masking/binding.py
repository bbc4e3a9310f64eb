"""An in-filler bound to a batch of images, once for all scores of these images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from unsee.infillers._tiles import fill_all, paint_tiles
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.noise import ImageRandom
from unsee.registry import check_settings
from unsee.types import Backgrounds, FlatKeep, Images

TILES_PER_SIDE = 7
"""Tiles along the shorter side of an image when its whole background is imagined."""


def bind(
    infiller: Infiller, images: Images, seeds: Sequence[int], neutral: tuple[float, ...]
) -> "BoundImages":
    """Bind an in-filler to images; the work is done when its result is first used.

    Raises:
        InputError: A setting of the in-filler is invalid.
    """
    check_settings(infiller)
    random = ImageRandom(seeds, images.device)
    binding = _Binding(infiller, images, neutral, random)
    return BoundImages(binding, images, seeds, random)


@dataclass(frozen=True, eq=False)
class BoundImages:
    """Images selected from a batch to which an in-filler is bound."""

    binding: "_Binding"
    """The whole batch."""
    images: Images
    """The selected images."""
    seeds: Sequence[int]
    """Seeds of the selected images."""
    random: ImageRandom
    """Noise of the selected images."""
    numbers: Int[Tensor, " n"] | None = None
    """Numbers of the selected images in the batch; None selects the whole batch in its order."""

    def matches(
        self,
        infiller: Infiller,
        images: Images,
        seeds: Sequence[int],
        neutral: tuple[float, ...],
    ) -> bool:
        """Return whether this is the given in-filler bound to exactly these images and seeds."""
        return (
            self.binding.infiller is infiller
            and self.images is images
            and self.seeds is seeds
            and self.binding.neutral == neutral
        )

    def fill(self, keep: FlatKeep, rows: RowIndex) -> Backgrounds:
        """Return the backgrounds of a flat batch of hard masks; `rows` index the selection."""
        return self.binding.fill(keep, self._in_batch(rows))

    @property
    def returns_visible_pixels(self) -> bool:
        """Whether the background of a visible pixel is the pixel itself, as for in-painters."""
        return self.binding.returns_visible_pixels

    @cached_property
    def imagined_background(self) -> Images:
        """Imagined background of the selected images, see `MaskedScore.imagined_background`."""
        whole = self.binding.imagined_background
        return whole if self.numbers is None else whole[self.numbers]

    def rows(self, numbers: Int[Tensor, " n"]) -> "BoundImages":
        """Return a part of the selection, by the positions of its images."""
        positions = numbers.tolist()
        return BoundImages(
            self.binding,
            self.images[numbers],
            [self.seeds[position] for position in positions],
            self.random.rows(numbers),
            numbers if self.numbers is None else self.numbers[numbers],
        )

    @cached_property
    def _positions(self) -> list[int]:
        """`numbers` as plain integers."""
        return [] if self.numbers is None else self.numbers.tolist()

    def _in_batch(self, rows: RowIndex) -> RowIndex:
        """Return an index into the selection as an index into the batch."""
        if self.numbers is None:
            return rows
        single = None if rows.single_image is None else self._positions[rows.single_image]
        return rows._replace(image=self.numbers[rows.image], single_image=single)


@dataclass(frozen=True, eq=False)
class _Binding:
    """An in-filler and a batch, with what is computed once for all masks of the batch."""

    infiller: Infiller
    images: Images
    neutral: tuple[float, ...]
    """Mean colour of the data."""
    random: ImageRandom

    @cached_property
    def fill(self) -> Fill:
        """The bound in-filler; what does not depend on the mask is computed here."""
        neutral = self.images.new_tensor(self.neutral)
        with torch.no_grad():
            return self.infiller.bind(ImageBatch(self.images, neutral, self.random))

    @cached_property
    def returns_visible_pixels(self) -> bool:
        """Whether the background of a fully visible image is the image itself."""
        return torch.equal(
            fill_all(self.fill, self.images, torch.ones_like(self.images[0, 0])), self.images
        )

    @cached_property
    def imagined_background(self) -> Images:
        """The images with every tile filled in from the rest of its image."""
        return paint_tiles(self.fill, self.images, TILES_PER_SIDE)
