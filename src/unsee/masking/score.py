"""The one function that methods and metrics ask: what is the score if only this is kept?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure, log_odds
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.masking import masks
from unsee.noise import ImageRandom
from unsee.types import Images, Keep, Scores, Targets, Variants

TILES = 7
"""Along the shorter side of an image, when an in-filler is asked what is behind it all."""

Draw = Callable[[Tensor, RowIndex], Float[Tensor, "n 1 gh gw"]]
"""How a chunk's masks are made of a few numbers each (n, ...); differentiable in them."""

View = Callable[[Variants, RowIndex], Variants]
"""How a variant is looked at: with noise, jitter or flips. It keeps the shape."""


@dataclass(frozen=True, eq=False)
class MaskedScore:
    """Classifier, in-filler, images and targets, seen as a function of masks alone.

    `score(keep)` has shape (b, k) for masks of shape (b, k, 1, gh, gw) and is differentiable in
    them. However many masks there are, only one chunk of pictures exists at a time.
    """

    classifier: Classifier
    infiller: Infiller
    images: Images
    targets: Targets
    seeds: Sequence[int]
    measure: Measure = log_odds

    @cached_property
    def random(self) -> ImageRandom:
        """The noise of these images."""
        return ImageRandom(self.seeds, self.images.device)

    @cached_property
    def fill(self) -> Fill:
        """Bound once per batch: what ignores the mask is computed once and never again."""
        neutral = self.images.new_tensor(self.classifier.data_mean)
        with torch.no_grad():
            return self.infiller.bind(ImageBatch(self.images, neutral, self.random))

    @cached_property
    def behind(self) -> Images:
        """What the in-filler imagines behind every pixel, a few tiles of the image at a time.

        An in-painter hands visible pixels back as they are. A pixel that a soft mask half removes,
        or that a gradient asks about, would then have nothing behind it but itself. For soft masks
        only: tiles are painted with the rest of the image in view, half removed as it may be.
        """
        if "_origin" in self.__dict__:  # some rows of a score that may have painted it already
            whole, chosen = self.__dict__["_origin"]
            return whole.behind[chosen]
        h, w = self.images.shape[-2:]
        side = max(1, round(min(h, w) / TILES))
        rows, columns = (torch.arange(n, device=self.images.device) // side % 2 for n in (h, w))
        found = torch.zeros_like(self.images)
        for phase in range(4):
            hole = (2 * rows[:, None] + columns == phase).to(found)
            found = found + hole * self._filled(1 - hole)
        return found

    @cached_property
    def _hands_back(self) -> bool:
        return torch.equal(self._filled(torch.ones_like(self.images[0, 0])), self.images)

    def _filled(self, keep: Float[Tensor, "h w"]) -> Images:
        which = torch.arange(len(self.images), device=self.images.device)
        with torch.no_grad():
            return self.fill(
                keep.expand(len(which), 1, -1, -1), RowIndex(which, torch.zeros_like(which), 0)
            )

    def __call__(
        self,
        keep: Float[Tensor, "b k *m"],
        *,
        step: int = 0,
        draw: Draw | None = None,
        view: View | None = None,
    ) -> Scores:
        """Score k masked versions of each image, each seen through `view`.

        `step` chooses the noise of in-fillers that draw anew at each step. With `draw` the masks
        are made of `keep`, whatever that is, when their turn comes, and never held all at once.
        """
        b, k = keep.shape[:2]

        def rows(some: Tensor, part: slice) -> Tensor:
            at = torch.arange(part.start, part.stop, device=some.device)
            first, last = part.start // k, (part.stop - 1) // k
            which = RowIndex(at // k, at % k, step, first if first == last else None)
            variants = self.variants(draw(some, which) if draw else some, which)
            variants = view(variants, which) if view else variants
            return self.classifier.measured(variants, self.targets[which.image], self.measure)

        return self.classifier.map_chunks(rows, keep.flatten(0, 1), self.images).view(b, k)

    def variants(self, keep: Float[Tensor, "n 1 gh gw"], rows: RowIndex) -> Variants:
        """The pictures that a chunk of masks shows."""
        keep = masks.resize(keep[None], self.images.shape[-2:])[0]
        with torch.no_grad():  # in-fillers get hard masks and pass no gradient on
            hard = keep.round()
            backgrounds = self.fill(hard, rows)
            if self._hands_back and (keep.requires_grad or not torch.equal(keep, hard)):
                backgrounds = torch.where(hard > 0, rows.of(self.behind), backgrounds)
        return masks.compose(rows.of(self.images), backgrounds, keep)

    def pictures(self, keep: Keep, step: int = 0) -> Images:
        """What the classifier would see under the first mask of each image."""
        which = torch.arange(len(keep), device=keep.device)
        return self.variants(keep[:, 0], RowIndex(which, torch.zeros_like(which), step))

    def rows(self, chosen: Bool[Tensor, " b"] | Int[Tensor, " n"]) -> "MaskedScore":
        """The same question about some of the images, by mask or by number."""
        original = self._everyone[chosen]
        if len(original) == len(self.images) and torch.equal(original, self._everyone):
            return self
        numbers = original.tolist()
        some = replace(
            self,
            images=self.images[original],
            targets=self.targets[original],
            seeds=[self.seeds[number] for number in numbers],
        )
        # what is bound and drawn already is not bound and drawn again
        some.__dict__["random"] = self.random.rows(original)
        some.__dict__["fill"] = lambda keep, rows: self.fill(
            keep,
            rows._replace(
                image=original[rows.image],
                single_image=None if rows.single_image is None else numbers[rows.single_image],
            ),
        )
        some.__dict__["_hands_back"] = self._hands_back
        some.__dict__["_origin"] = self, original
        return some

    @cached_property
    def _everyone(self) -> Int[Tensor, " b"]:
        return torch.arange(len(self.images), device=self.images.device)
