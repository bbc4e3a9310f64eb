"""The score of masked images, the one function that methods and metrics evaluate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.classifiers.checks import check_finite
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure, log_odds
from unsee.errors import InputError
from unsee.infillers.base import Infiller, RowIndex
from unsee.masking import masks
from unsee.masking.binding import BoundImages, bind
from unsee.masking.slots import Slots
from unsee.noise import ImageRandom
from unsee.types import Images, Keep, Scores, Size, Targets, Variants

Draw = Callable[[Tensor, RowIndex], Float[Tensor, "n 1 gh gw"]]
"""From a chunk's parameters (n, ...) to its masks; differentiable in the parameters."""

View = Callable[[Variants, RowIndex], Variants]
"""A transformation of the masked images that keeps their shape: noise, jitter or flips."""


@dataclass(frozen=True, eq=False)
class MaskedScore:
    """Classifier, in-filler, images and targets as a function of masks.

    `score(keep)` has shape (b, k) for masks of shape (b, k, 1, gh, gw) and is differentiable in
    them. Only one chunk of masked images exists at a time, whatever the number of masks.
    """

    classifier: Classifier
    """Classifier that scores the masked images."""
    infiller: Infiller
    """In-filler of the pixels that a mask removes."""
    images: Images
    """Pixels in [0, 1]."""
    targets: Targets
    """Class index of each image."""
    seeds: Sequence[int]
    """Seed of the noise of each image."""
    measure: Measure = log_odds
    """Number of the classifier's output that is the score."""
    bound: BoundImages | None = field(default=None, repr=False, kw_only=True)
    """In-filler bound to the images; taken over by `dataclasses.replace` if both are the same."""
    slots: Slots | None = field(default=None, repr=False, kw_only=True)
    """Segments of the images in place of the cells of a grid; None for a grid."""

    def __post_init__(self) -> None:
        if self.slots is not None and self.slots.labels.shape != self.images[:, 0].shape:
            raise InputError("the segments are of other images; bind the cells again")
        neutral = self.classifier.data_mean
        if self.bound is None or not self.bound.matches(
            self.infiller, self.images, self.seeds, neutral
        ):
            bound = bind(self.infiller, self.images, self.seeds, neutral)
            object.__setattr__(self, "bound", bound)

    @property
    def _bound(self) -> BoundImages:
        assert self.bound is not None  # set in __post_init__
        return self.bound

    @property
    def random(self) -> ImageRandom:
        """Noise of these images."""
        return self._bound.random

    @property
    def imagined_background(self) -> Images:
        """Background that the in-filler imagines for each pixel, given other pixels of its image.

        An in-painter returns visible pixels unchanged, so a pixel that a soft mask removes in part
        would be mixed with itself. Under soft masks, visible pixels of its backgrounds are
        therefore replaced by those of this image.
        """
        return self._bound.imagined_background

    def __call__(
        self,
        keep: Float[Tensor, "b k *m"],
        *,
        step: int = 0,
        draw: Draw | None = None,
        view: View | None = None,
    ) -> Scores:
        """Score k masked versions of each image.

        Args:
            keep: Masks (b, k, 1, gh, gw), or the parameters (b, k, ...) of `draw`.
            step: Optimisation step; it seeds in-fillers and noise that differ between steps.
            draw: Makes the masks of a chunk when it is evaluated, so that they never exist all at
                once.
            view: Transforms the masked images of a chunk before the classifier sees them.
        """
        b, k = keep.shape[:2]

        def rows(chunk: Tensor, part: slice) -> Tensor:
            numbers = torch.arange(part.start, part.stop, device=chunk.device)
            first, last = part.start // k, (part.stop - 1) // k
            index = RowIndex(numbers // k, numbers % k, step, first if first == last else None)
            variants = self.variants(draw(chunk, index) if draw else chunk, index)
            variants = view(variants, index) if view else variants
            return self.classifier.score_chunk(variants, self.targets[index.image], self.measure)

        scores = self.classifier.map_chunks(rows, keep.flatten(0, 1), self.images).view(b, k)
        check_finite(scores)
        return scores

    def variants(self, keep: Float[Tensor, "n 1 gh gw"], rows: RowIndex) -> Variants:
        """Return the masked images of a flat batch of masks."""
        if self.slots is not None and self.slots.holds(keep):
            keep = self.slots.to_pixels(keep, rows.image)
        keep = masks.resize(keep[None], self.images.shape[-2:])[0]
        with torch.no_grad():  # in-fillers receive hard masks and pass on no gradient
            hard = keep.round()
            backgrounds = self._bound.fill(hard, rows)
            soft = keep.requires_grad or not torch.equal(keep, hard)
            if self._bound.returns_visible_pixels and soft:
                backgrounds = torch.where(hard > 0, rows.of(self.imagined_background), backgrounds)
        return masks.compose(rows.of(self.images), backgrounds, keep)

    def to_pixels(
        self, cells: Keep, *, align_corners: bool = False
    ) -> Float[Tensor, "b k 1 _h _w"]:
        """Bring the values of cells, such as masks, to the size of the images.

        A grid is resized bilinearly (see `masks.resize` for `align_corners`); with segments, each
        pixel gets the value of its segment. Differentiable.
        """
        if self.slots is None or not self.slots.holds(cells):
            return masks.resize(cells, self.images.shape[-2:], align_corners=align_corners)
        image = torch.arange(len(cells), device=cells.device).repeat_interleave(cells.shape[1])
        return self.slots.to_pixels(cells.flatten(0, 1), image).unflatten(0, cells.shape[:2])

    def to_cells(self, maps: Keep, size: Size) -> Float[Tensor, "b k 1 _gh _gw"]:
        """Bring maps of any size to cells: resized to `size`, or the means of the segments."""
        if self.slots is None:
            return masks.resize(maps, size)
        return self.slots.means(masks.resize(maps, self.images.shape[-2:]))

    @property
    def cell_sizes(self) -> Float[Tensor, "b 1 1 g g"] | float:
        """Size of each cell, in units of the mean size; 1 for a grid."""
        return 1.0 if self.slots is None else self.slots.sizes

    def pictures(self, keep: Keep, step: int = 0) -> Images:
        """Return each image under the first of its masks, as the classifier would receive it.

        In-filled pixels that rounding takes beyond [0, 1], as in a blur of white, are clipped.
        """
        image = torch.arange(len(keep), device=keep.device)
        variants = self.variants(keep[:, 0], RowIndex(image, torch.zeros_like(image), step))
        return variants.clamp(0, 1)

    def rows(self, index: Bool[Tensor, " b"] | Int[Tensor, " n"]) -> "MaskedScore":
        """Return the score of selected images, which shares their in-filling and noise.

        Args:
            index: A boolean mask over the images, or their numbers; these may repeat.
        """
        everything = torch.arange(len(self.images), device=self.images.device)
        numbers = everything[index]
        if len(numbers) == len(self.images) and torch.equal(numbers, everything):
            return self
        bound = self._bound.rows(numbers)
        return replace(
            self,
            images=bound.images,
            targets=self.targets[numbers],
            seeds=bound.seeds,
            bound=bound,
            slots=None if self.slots is None else self.slots.rows(numbers),
        )
