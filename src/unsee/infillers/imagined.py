"""A background for the whole image, painted by a generative in-filler."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch

from unsee.errors import InputError
from unsee.infillers._tiles import paint_tiles
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.registry import parse, part, resolve, trust_of, usable_parts
from unsee.types import Backgrounds, FlatKeep

__all__ = ["Imagined"]

MAX_SAMPLES = 64
"""Largest number of backgrounds of an image; all are in memory."""


@dataclass(frozen=True)
class Imagined(Infiller):
    """The image with every tile painted from its surroundings, once, by a generative in-filler.

    Used like a blur: the background is independent of the mask and also exists where pixels are
    visible. No generator is called while a method runs: `tiles` of the grid are painted in four
    rounds, each of which removes a quarter of them, none adjacent to another. A removed pixel
    influences the background, because the tiles around its own are painted from it: parts of an
    object larger than a tile remain. With `samples` the masks of an image get several backgrounds
    in turn, others at each step, as samples of the expectation in eq. 1 of FIDO.
    """

    uses_removed_pixels: ClassVar[bool] = True

    by: str = "painter"
    """In-filler that paints the tiles: the name of a generative one, with settings in quotes."""
    tiles: int = 7
    """Number of tiles along the shorter side of the image."""
    samples: int = 1
    """Number of different backgrounds. Each has a shifted grid of tiles, and a sample of its own if
    `by` has several (`by="painter:samples=4"`)."""
    trust: bool = False
    """Whether `by` may load a program, which can run any code."""

    def __post_init__(self) -> None:
        if self.tiles < 2 or not 1 <= self.samples <= MAX_SAMPLES:
            raise InputError(
                f"imagined: expected tiles >= 2 and samples from 1 to {MAX_SAMPLES}, "
                f"got {self.tiles} and {self.samples}"
            )
        spec = parse("infillers", self.by)
        if not part("infillers", spec.name).generative:
            names = [name for name, cls in usable_parts("infillers") if cls.generative]
            raise InputError(
                f"imagined: expected a generative in-filler ({', '.join(names)}), got {self.by!r}"
            )
        if "trust" in spec.texts:
            raise InputError(
                f"imagined: trust is not a setting of by, got {self.by!r}; omit it there and set "
                "{trust}",
                trust=True,
            )
        _ = self.parts  # checks its settings

    @cached_property
    def parts(self) -> tuple[Infiller, ...]:
        """The in-filler that paints the tiles."""
        trust = trust_of("infillers", self.by, trust=self.trust)
        return (resolve("infillers", self.by, **trust),)

    def prepare(self, device: torch.device) -> None:
        """Load what the generative in-filler needs."""
        self.parts[0].prepare(device)

    def bind(self, batch: ImageBatch) -> Fill:
        """Paint the backgrounds once."""
        paint = self.parts[0].bind(batch)
        backgrounds = torch.stack(
            [paint_tiles(paint, batch.images, self.tiles, i) for i in range(self.samples)]
        )

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            if self.samples == 1:
                return rows.of(backgrounds[0])
            first = batch.random.uniform(rows.step, stream="imagined") * self.samples
            return backgrounds[(rows.variant + first.long()[rows.image]) % self.samples, rows.image]

        return fill
