"""The smallest region that changes the answer, and the smallest that suffices.

FIDO asks for both (Chang et al., "Explaining image classifiers by counterfactual generation", ICLR
2019, https://arxiv.org/abs/1807.08024). Here the regions are the top shares of a map.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.classifiers.measures import Measure, first_answer, logit, probability
from unsee.classifiers.outputs import Outputs
from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics._curves import Curve
from unsee.types import Saliency

POINTS, FEW_POINTS = 31, 9
"""Points of a curve of the pictures, and where each point needs an in-filling of its own."""
DENSITY = 1.5
"""Exponent that moves the points of these curves towards small shares."""
SUFFICIENT = 0.9
"""Share of the photo's probability that a region must keep to suffice."""
ROUNDING = 4 * torch.finfo(torch.float32).eps
"""Difference of two values that may be rounding, as a share of their magnitude."""
FALLBACK = 0.15
"""Share of the pixels in a picture where no share has the effect that is searched for."""


class Wanted(NamedTuple):
    """What the effects of regions are measured against."""

    whole: float
    """Probability of the class for the photo, or the value of a regression."""
    infilled: float
    """The same for the photo that is wholly in-filled."""
    predicted: bool
    """Whether the class is predicted for the photo; False for a regression."""
    is_value: bool
    """Whether these are values of a regression."""

    @property
    def rounding(self) -> float:
        """Difference of values that may be rounding; a probability has a zero to compare with."""
        return ROUNDING * abs(self.whole) if self.is_value else 0.0


class Regions(NamedTuple):
    """Curves of the two pictures, by key, where they have an effect, and the shares to show."""

    curves: dict[str, Curve]
    effects: dict[str, Bool[Tensor, " p"]]
    shares: dict[str, float]


def search(score: MaskedScore, saliency: Saliency, share: float | None, wanted: Wanted) -> Regions:
    """Search for the smallest region that changes the answer, and the smallest that suffices.

    Args:
        score: Score with the in-filler of the pictures.
        saliency: The map.
        share: Share that is shown in place of the smallest ones.
        wanted: What the effects are measured against.
    """
    curves = picture_curves(score, saliency, share)
    effects = {
        "removed": changed(score, saliency, curves["removed"], wanted),
        "kept": sufficient(curves["kept"], wanted),
    }
    shares = {key: share or first_share(curves[key], effects[key]) for key in curves}
    return Regions(curves, effects, shares)


def suffices(scores: Float[Tensor, " p"], wanted: Wanted) -> Bool[Tensor, " p"]:
    """Return which scores are at least `SUFFICIENT` of that of the photo, or near its value.

    A value has no zero: it is near within a share of its distance from that of the photo that is
    wholly in-filled.
    """
    if wanted.is_value:
        distance = abs(wanted.whole - wanted.infilled)
        return (scores - wanted.whole).abs() <= (1 - SUFFICIENT) * distance + wanted.rounding
    return scores >= SUFFICIENT * wanted.whole


def picture_curves(score: MaskedScore, saliency: Saliency, share: float | None) -> dict[str, Curve]:
    """Return the probability while pixels are removed, and while they are kept, without ends."""
    assert score.bound is not None
    points = FEW_POINTS if score.bound.returns_visible_pixels else POINTS
    shares = torch.linspace(0, 1, points)[1:-1] ** DENSITY
    if share is not None:
        shares = torch.cat([shares, torch.tensor([share])]).sort().values
    score = replace(score, measure=measure_of(score))
    return {
        key: Curve(shares, _scores(score, saliency, shares, kept=key == "kept")[None])
        for key in ("removed", "kept")
    }


def _scores(
    score: MaskedScore, saliency: Saliency, shares: Float[Tensor, " p"], *, kept: bool
) -> Float[Tensor, " p"]:
    """Return the score while the top shares of the pixels are removed, or kept."""
    count, rank = saliency[0].numel(), masks.ranks(saliency)
    pixels = (shares * count).round().to(rank)
    # Each share is the first mask of a copy of the photo: an in-filler with several samples gives
    # later masks other samples than that of the pictures.
    copies = score.rows(torch.zeros(len(shares), dtype=torch.long))

    def draw(pixels: Tensor, rows: RowIndex) -> Tensor:
        top = rank < pixels[:, None]
        return (top if kept else ~top).to(rank).view(-1, 1, *saliency.shape[1:])

    return copies(pixels[:, None], draw=draw)[:, 0].cpu().float()


def changed(
    score: MaskedScore, saliency: Saliency, curve: Curve, wanted: Wanted
) -> Bool[Tensor, " p"]:
    """Return where removal changes the answer: the class is predicted no longer.

    Where it is not predicted for the photo: where half of its probability is lost. For a
    regression: where half of its difference to the photo that is wholly in-filled is lost.

    Args:
        score: Score with the in-filler of the pictures.
        saliency: The map.
        curve: Curve of removal, see `picture_curves`.
        wanted: What the effects are measured against.
    """
    if wanted.predicted:
        answers = replace(score, measure=first_answer)
        return _scores(answers, saliency, curve.share, kept=False) < 0.5
    full = wanted.whole - (wanted.infilled if wanted.is_value else 0.0)
    lost = (wanted.whole - curve.scores[0]) * (-1 if full < 0 else 1)
    return (lost >= 0.5 * abs(full)) & (abs(full) > wanted.rounding)


def sufficient(curve: Curve, wanted: Wanted) -> Bool[Tensor, " p"]:
    """Return where the kept pixels suffice, see `suffices`.

    Nowhere, if the photo that is wholly in-filled suffices too.

    Args:
        curve: Curve of keeping, see `picture_curves`.
        wanted: What the effects are measured against.
    """
    scores = torch.cat([curve.scores[0], torch.tensor([wanted.infilled])])
    enough = suffices(scores, wanted)
    return enough[:-1] & ~enough[-1]


def first_share(curve: Curve, effect: Bool[Tensor, " p"]) -> float:
    """Return the smallest share with an effect, `FALLBACK` if there is none."""
    return curve.share[int(effect.int().argmax())].item() if effect.any() else FALLBACK


def through(
    curve: Curve, shares: dict[str, float], ends: dict[str, float], keys: tuple[str, str, str]
) -> Curve:
    """Return a curve with its ends, through the probability of its picture."""
    first, key, last = keys
    share = torch.cat([curve.share, torch.tensor([0.0, shares[key], 1.0])])
    scores = torch.cat([curve.scores[0], torch.tensor([ends[first], ends[key], ends[last]])])
    order = share.argsort(stable=True)
    return Curve(share[order], scores[order][None])


def measure_of(score: MaskedScore) -> Measure:
    """Return the measure of the pictures and curves: the probability, or a regression's value."""
    return logit if score.classifier.kind is Outputs.REGRESSION else probability
