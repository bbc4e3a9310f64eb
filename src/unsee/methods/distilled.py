"""Distilled: the landscape of `tide`, drawn by a trained network in one pass."""

from collections.abc import Iterator
from dataclasses import dataclass

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._landscape import landscape
from unsee.methods.base import Method, Progress, Traits, drawn

__all__ = ["Distilled"]


@dataclass(frozen=True)
class Distilled(Method):
    """A decoder on the classifier's features, trained on tide's objective (ours).

    One forward pass for each image and class; `unsee train distilled` makes the weights. The same
    weights can be where every optimiser of masks begins: `--warm-start`.
    """

    traits = Traits(needs_module=True, needs_weights=True)

    weights: str = ""
    """Path of distilled.safetensors, trained for this classifier."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round, one forward pass for each image."""
        heights = landscape(score, self.weights)
        maps = masks.resize(heights[:, None], score.images.shape[-2:])[:, 0, 0]
        yield Progress(1, 1, drawn(maps))
