"""Box: a control that rates pixels by their distance from the centre."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, fixed_maps

__all__ = ["Box"]


@dataclass(frozen=True)
class Box(Method):
    """Rate pixels by their closeness to the centre of the image, without the classifier.

    The map is 1 - max(|x|, |y|), with x and y from -1 to 1 across the image: level sets are nested
    boxes. It is the control for objects that are photographed in the centre.
    """

    traits = Traits(uses_classifier=False)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the map once, without a pass; 1 in the centre, 0 at the border."""
        sides = (torch.linspace(-1, 1, n).abs().to(score.images) for n in score.images.shape[-2:])
        rows, columns = sides
        nested = 1 - torch.maximum(rows[:, None], columns[None])
        yield Progress(1, 1, fixed_maps(nested.expand(len(score.images), -1, -1)))
