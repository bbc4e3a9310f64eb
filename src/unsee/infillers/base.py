"""What an in-filler is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from unsee.noise import ImageRandom
from unsee.types import Backgrounds, FlatKeep, Images, Variants


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """What an in-filler may know before it sees a mask."""

    images: Images
    neutral: Float[Tensor, " c"]
    """The data's mean colour, which papers call grey or zero."""
    random: ImageRandom
    """The images' own noise."""


class RowIndex(NamedTuple):
    """Which masks of which images the rows of a flat batch are."""

    image: Int[Tensor, " n"]
    variant: Int[Tensor, " n"]
    step: int
    """Of the optimisation; noise that is "fresh each step" asks for it."""
    single_image: int | None = None
    """The image of all rows, where there is but one and that is known."""

    def of(self, images: Images) -> Variants:
        """The image of each row; of a single one without a copy."""
        only = 0 if len(images) == 1 else self.single_image
        if only is None:
            return images[self.image]
        return images[only : only + 1].expand(len(self.image), -1, -1, -1)


Fill = Callable[[FlatKeep, RowIndex], Backgrounds]
"""Backgrounds for a flat batch of hard masks (n, 1, h, w): 1 is visible, 0 is missing."""


class Infiller(ABC):
    """Imagines what is behind the pixels that a mask removes.

    Final subclasses are frozen dataclasses of settings. A row's background depends on that row's
    image and mask only, so that it is the same alone as in a batch.
    """

    sees_removed: ClassVar[bool] = False
    """True where removed pixels leak into the background by definition (a blur of the image)."""

    @abstractmethod
    def bind(self, scene: ImageBatch) -> Fill:
        """Prepare for some images; the result turns hard masks of them into backgrounds.

        A fill that ignores the mask is computed here, once. Gradients do not flow through it.
        """


class Inpainter(Infiller):
    """An in-filler that calls a picture editor for one 8-bit image after another, on the CPU.

    A subclass gives `inpaint`. Removed pixels are blackened first, so that nothing can leak; an
    image without holes is passed on and one without any pixel left becomes the neutral colour.
    """

    @abstractmethod
    def inpaint(
        self, picture: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill the hole (h, w) of one picture (h, w, c)."""

    @final
    def bind(self, scene: ImageBatch) -> Fill:
        """Nothing to prepare: everything depends on the mask."""
        pictures = (scene.images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        neutral = (scene.neutral.cpu() * 255).round().byte().numpy()

        def fill(keep: FlatKeep, rows: RowIndex) -> Backgrounds:
            holes = (keep[:, 0] < 0.5).cpu().numpy()
            if not holes.any():
                return scene.images[rows.image]
            filled = []
            for image, hole in zip(rows.image.tolist(), holes, strict=True):
                picture = np.where(hole[..., None], np.uint8(0), pictures[image])
                if hole.all():
                    picture[:] = neutral
                elif hole.any():
                    picture = self.inpaint(picture, hole, scene.random.seeds[image])
                filled.append(torch.from_numpy(picture))
            batch = torch.stack(filled).permute(0, 3, 1, 2).to(scene.images)
            return batch / 255

        return fill
