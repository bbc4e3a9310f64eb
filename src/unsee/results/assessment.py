"""Assess one explanation: removal and keep pictures, probabilities, deletion and insertion."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import Measure, logit, probability
from unsee.classifiers.outputs import Outputs
from unsee.errors import InputError
from unsee.images.reading import PhotoFile
from unsee.infillers.base import Infiller, RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics._curves import PROTOCOLS, Curve
from unsee.registry import settings_of
from unsee.study import Study
from unsee.types import Images, Saliency

CURVE_PROTOCOLS = {name: PROTOCOLS[name] for name in ("rise", "igos", "igos-released")}
"""Protocols of the deletion and insertion curves of every result."""
DIRECTIONS: tuple[_curves.Direction, ...] = get_args(_curves.Direction)
PICTURES = ("original", "removed", "kept")
"""The photo, the photo without its top pixels, and the top pixels alone."""
INFILLED = "infilled"
"""The photo with all its pixels in-filled."""
POINTS, FEW_POINTS = 26, 9
"""Points of a curve of the pictures, and where each point needs an in-filling of its own."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """An explanation of one photo with the pictures, probabilities and curves that test it."""

    study: Study
    share: float
    """Share of the pixels that are removed and kept: those with the highest saliency."""
    infiller: Infiller
    """In-filler that replaces removed pixels in the two pictures."""
    removed: Images
    """The photo with its top pixels in-filled."""
    kept: Images
    """The photo with all but its top pixels in-filled."""
    probabilities: dict[str, Float[Tensor, " classes"]]
    """Probabilities of all classes for each of `PICTURES`, and for `INFILLED`; values of a
    regression."""
    picture_curves: dict[str, Curve]
    """Probability of the class while more and more pixels are `removed`, or `kept`, in-filled as
    in the pictures: at `share` it is that of the picture."""
    curves: dict[tuple[str, str], Curve]
    """Curves by protocol and direction."""

    @property
    def target(self) -> int:
        """Index of the class that is explained."""
        return int(self.study.score.targets[0])

    @property
    def name(self) -> str:
        """Name of the class that is explained."""
        return self.study.score.classifier.label(self.target)

    @property
    def target_probabilities(self) -> dict[str, float]:
        """Probability of the explained class for each of `PICTURES`, and for `INFILLED`."""
        return {key: p[self.target].item() for key, p in self.probabilities.items()}

    @property
    def quantity(self) -> str:
        """Name of the numbers in `probabilities`: a regression has values."""
        return "value" if self._is_regression else "probability"

    @property
    def _is_regression(self) -> bool:
        return self.study.score.classifier.kind is Outputs.REGRESSION

    def in_words(self, number: float) -> str:
        """Return a number of `probabilities` as text: a percentage, or a value."""
        return f"{number:.4g}" if self._is_regression else f"{number:.0%}"

    @property
    def predicts_target(self) -> bool:
        """Whether the explained class is the one that the classifier predicts for the photo."""
        return self._predicts("original")

    @cached_property
    def areas(self) -> dict[str, dict[str, float]]:
        """Areas under the curves, by protocol and direction."""
        return {
            name: {
                direction: round(protocol.area(self.curves[name, direction])[0].item(), 6)
                for direction in DIRECTIONS
            }
            for name, protocol in CURVE_PROTOCOLS.items()
        }

    @property
    def subtitle(self) -> str:
        """Parts, seed and cost of the map, in words."""
        provenance = self.study.explanation.provenance
        cost = provenance["cost"]
        return (
            f"method {provenance['method']['name']}, in-filler {provenance['infiller']['name']}, "
            f"classifier {provenance['classifier']['name']}, seed {provenance['seed']}; "
            f"passes: {cost['forwards']:,} forward, {cost['backwards']:,} backward, "
            f"{cost['seconds']:.1f} s; pictures in-filled by {settings_of(self.infiller)['name']}"
        )

    def prediction(self, key: str) -> str:
        """Return what the classifier predicts for one of `PICTURES`, in words."""
        if self._is_regression:
            return "value of the model"
        best = int(self.probabilities[key].argmax())
        if self._predicts(key):
            return "predicted class" if key == "original" else "still the predicted class"
        if best == self.target:
            return "not predicted"
        name = self.study.score.classifier.label(best)
        return f"predicted: {name}, {self.in_words(self.probabilities[key][best].item())}"

    def _predicts(self, key: str) -> bool:
        """Whether the explained class is predicted for one of `PICTURES`; several labels may be."""
        probabilities = self.probabilities[key]
        if self.study.score.classifier.kind.is_multilabel:
            return probabilities[self.target].item() >= 0.5
        return int(probabilities.argmax()) == self.target

    def top_classes(self, count: int) -> list[tuple[int, str]]:
        """Return the explained class, then those that are most probable in any picture."""
        highest = torch.stack([self.probabilities[key] for key in PICTURES]).amax(0)
        order = [i for i in highest.argsort(descending=True).tolist() if i != self.target]
        indices = [self.target, *order[: count - 1]]
        return [(index, self.study.score.classifier.label(index)) for index in indices]

    def manifest(self, photo: PhotoFile) -> dict[str, Any]:
        """Return all settings and numbers of the result as plain values."""
        explanation = self.study.explanation
        score, provenance = self.study.score, dict(explanation.provenance)
        framing = score.classifier.framing
        (provenance["target"],) = provenance["target"]
        return provenance | {
            "evidence": {
                "share": self.share,
                "infiller": settings_of(self.infiller),
                "curves": {
                    key: _plain(curve, self.quantity) for key, curve in self.picture_curves.items()
                },
            },
            self.quantity: {
                key: round(number, 6) for key, number in self.target_probabilities.items()
            },
            "area": self.areas,
            "protocols": {name: protocol.summary for name, protocol in CURVE_PROTOCOLS.items()},
            "input": {
                **photo.origin(),
                "height": photo.pixels.shape[-2],
                "width": photo.pixels.shape[-1],
                "box": framing.box(*photo.pixels.shape[-2:])._asdict(),
            },
        }


@torch.no_grad()
def assess(study: Study, share: float, infiller: Infiller | None = None) -> Assessment:
    """Assess a finished study of a single image.

    Args:
        study: A study whose steps are finished.
        share: Share of the pixels to remove and to keep, those with the highest saliency.
        infiller: In-filler of the two pictures, by default that of the study.

    Raises:
        InputError: The share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"expected a share of the pixels between 0 and 1, got {share}")
    score, saliency = study.score, study.explanation.saliency
    infiller = score.infiller if infiller is None else infiller
    with study.mode():
        top = masks.top_share(saliency, share)
        picture_score = replace(score, infiller=infiller)
        removed, kept = picture_score.pictures(1 - top), picture_score.pictures(top)
        infilled = picture_score.pictures(torch.zeros_like(top))
        pictures = torch.cat([score.images, removed, kept, infilled])
        rows, kind = score.classifier.predict(pictures), score.classifier.kind
        rows = (rows if kind is Outputs.REGRESSION else kind.probabilities(rows)).cpu()
        probabilities = dict(zip((*PICTURES, INFILLED), rows, strict=True))
        ends = {key: row[int(score.targets[0])].item() for key, row in probabilities.items()}
        picture_curves = _picture_curves(picture_score, saliency, share, ends)
        curves = _all_curves(study)
    return Assessment(study, share, infiller, removed, kept, probabilities, picture_curves, curves)


def _picture_curves(
    score: MaskedScore, saliency: Saliency, share: float, ends: dict[str, float]
) -> dict[str, Curve]:
    """Return the probability while pixels are removed, and while they are kept.

    `ends` holds the probabilities of the pictures, which are points of the curves.
    """
    assert score.bound is not None
    points = FEW_POINTS if score.bound.returns_visible_pixels else POINTS
    inner = torch.linspace(0, 1, points)[1:-1]
    count, rank = saliency[0].numel(), masks.ranks(saliency)
    changed = (inner * count).round().to(rank)
    shares = torch.cat([inner, torch.tensor([0.0, share, 1.0])])
    score = replace(score, measure=_measure(score))
    curves = {}
    for key, first, last in (("removed", "original", INFILLED), ("kept", INFILLED, "original")):

        def draw(changed: Tensor, rows: RowIndex, kept: bool = key == "kept") -> Tensor:
            top = rank[rows.image] < changed[:, None]
            return (top if kept else ~top).to(rank).view(-1, 1, *saliency.shape[1:])

        scores = score(changed[None], draw=draw)[0].cpu().float()
        scores = torch.cat([scores, torch.tensor([ends[first], ends[key], ends[last]])])
        order = shares.argsort(stable=True)
        curves[key] = Curve(shares[order], scores[order][None])
    return curves


def _measure(score: MaskedScore) -> Measure:
    """Return the measure of the pictures and curves: the probability, or a regression's value."""
    return logit if score.classifier.kind is Outputs.REGRESSION else probability


def _plain(curve: Curve, quantity: str) -> dict[str, list[float]]:
    """Return a curve as plain values."""
    share, scores, _ = curve
    return {
        "share": [round(value, 6) for value in share.tolist()],
        quantity: [round(value, 6) for value in scores[0].tolist()],
    }


def _all_curves(study: Study) -> dict[tuple[str, str], Curve]:
    """Return the curves of all protocols; protocols that differ in their area only share one."""
    computed: dict[tuple[Any, ...], Curve] = {}
    curves: dict[tuple[str, str], Curve] = {}
    for name, protocol in CURVE_PROTOCOLS.items():
        protocol = replace(protocol, measure=_measure(study.score))
        for direction in DIRECTIONS:
            key = (protocol.cells, protocol.step, protocol.backgrounds, direction)
            if key not in computed:
                computed[key] = _curves.curve(
                    study.score, study.explanation.saliency, protocol, direction
                )
            curves[name, direction] = computed[key]
    return curves
