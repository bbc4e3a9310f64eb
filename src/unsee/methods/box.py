"""The control that only knows that objects stand in the middle."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, drawn

__all__ = ["Box"]


@dataclass(frozen=True)
class Box(Method):
    """Boxes around the centre of the image, one in another; it never asks the classifier."""

    traits = Traits(uses_classifier=False)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round, without a pass: 1 in the middle, 0 at the border."""
        sides = (torch.linspace(-1, 1, n).abs().to(score.images) for n in score.images.shape[-2:])
        rows, columns = sides
        nested = 1 - torch.maximum(rows[:, None], columns[None])
        yield Progress(1, 1, drawn(nested.expand(len(score.images), -1, -1)))
