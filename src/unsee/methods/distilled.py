"""Distilled: a pixel ranking from a network that was trained on the objective of TIDE."""

from collections.abc import Iterator
from dataclasses import dataclass

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._ranking_network import initial_ranking
from unsee.methods.base import Method, Progress, Traits, fixed_maps

__all__ = ["Distilled"]


@dataclass(frozen=True)
class Distilled(Method):
    """A decoder of the classifier's feature maps, trained on the objective of TIDE (ours).

    One forward pass for each image and class. `unsee train distilled` trains the weights; the
    optimisers of masks can start from the same weights with `warm_start`.
    """

    traits = Traits(needs_module=True, needs_weights=True)

    weights: str = ""
    """Path or name of weights trained for this classifier; by default those of the package."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the maps after one forward pass for each image."""
        ranking = initial_ranking(score, self.weights, "weights")
        maps = masks.resize(ranking, score.images.shape[-2:])[:, 0, 0]
        yield Progress(1, 1, fixed_maps(maps))
