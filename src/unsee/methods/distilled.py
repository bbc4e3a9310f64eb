"""Distilled: a pixel ranking from a network that was trained on the objective of TIDE."""

from collections.abc import Iterator
from dataclasses import dataclass

from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._decoded import OnePassNetwork
from unsee.methods._one_pass import OnePassMethod
from unsee.methods._ranking_network import ranking_network
from unsee.methods.base import Progress, Traits, fixed_maps

__all__ = ["Distilled"]


@dataclass(frozen=True)
class Distilled(OnePassMethod):
    """A decoder of the classifier's feature maps, trained on the objective of TIDE (ours).

    One forward pass for each image and class gives the ranking s, which is the map. The decoder is
    trained (`unsee train distilled`) to minimise, over photos, the objective of `tide`,

        E_a [score(1 - m_a) - score(m_a)], with m_a = softtopk(s, a n),

    with area shares a in (0, 1) of the n cells. No maps are computed beforehand. The optimisers of
    masks can start from the same weights with `warm_start`.

    Reference: this project, as `tide`, whose page lists related work.
    """

    traits = Traits(needs_module=True, needs_weights=True)

    weights: str = ""
    """Path or name of weights trained for this classifier; by default those of the package."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the maps after one forward pass for each image."""
        ranking = self.network(score).of_score(score)[:, None, None]
        maps = masks.resize(ranking, score.images.shape[-2:])[:, 0, 0]
        yield Progress(1, 1, fixed_maps(maps))

    def network(self, score: MaskedScore) -> OnePassNetwork:
        """Return the classifier and the decoder, whose result is the ranking (n, g, g)."""
        return ranking_network(score, self.weights, "weights")
