"""Assess one explanation: removal and keep pictures, probabilities, deletion and insertion."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import Outputs
from unsee.errors import InputError
from unsee.images.reading import PhotoFile
from unsee.infillers.base import Infiller
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics._curves import PROTOCOLS, Curve
from unsee.metrics._sharing import shared
from unsee.registry import settings_of
from unsee.results import regions
from unsee.results.photo_folders import place_of_photo
from unsee.results.regions import Wanted
from unsee.results.values import in_words, values_of
from unsee.results.variation import Variation, variation_of
from unsee.study import Study
from unsee.types import Images

CURVE_PROTOCOLS = {name: PROTOCOLS[name] for name in ("rise", "igos", "igos-released")}
"""Protocols of the deletion and insertion curves of every result."""
DIRECTIONS: tuple[_curves.Direction, ...] = get_args(_curves.Direction)
PICTURES = ("original", "removed", "kept")
"""The photo, the photo without its top pixels, and the top pixels alone."""
INFILLED = "infilled"
"""The photo with all its pixels in-filled."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """An explanation of one photo with the pictures, probabilities and curves that test it."""

    study: Study
    shares: dict[str, float]
    """Share of the pixels, those with the highest saliency, that are `removed`, and `kept`."""
    has_effect: dict[str, bool]
    """Whether the removed pixels change the answer, and whether the kept ones suffice."""
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
    note: str = ""
    """Why the map shows no evidence, and what to try; empty where it shows some."""
    variation: Variation | None = None
    """How much the maps of several seeds differ; None for one seed."""

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
        return in_words(number, self.study.score.classifier)

    @property
    def predicts_target(self) -> bool:
        """Whether the explained class is the one that the classifier predicts for the photo."""
        return self._predicts("original")

    @cached_property
    def curves(self) -> dict[tuple[str, str], Curve]:
        """Curves by protocol and direction; computed on first use."""
        with torch.no_grad(), self.study.mode():
            return _all_curves(self.study)

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
        cost, seed, repeats = (provenance[key] for key in ("cost", "seed", "repeats"))
        seeds = f"seed {seed}" if repeats == 1 else f"seeds {seed} to {seed + repeats - 1}"
        return (
            f"method {provenance['method']['name']}, in-filler {provenance['infiller']['name']}, "
            f"classifier {provenance['classifier']['name']}, {seeds}; "
            f"passes: {cost['forwards']:,} forward, {cost['backwards']:,} backward, "
            f"{cost['seconds']:.1f} s; pictures in-filled by {settings_of(self.infiller)['name']}"
        )

    def prediction(self, key: str) -> str:
        """Return what the classifier predicts for one of `PICTURES`, in words."""
        if self._is_regression:
            return "value of the model"
        best = int(self.probabilities[key].argmax())
        if self._predicts(key):
            still = "still the " if key != "original" and self._predicts("original") else ""
            return f"{still}predicted class"
        if best == self.target:
            return "not predicted"
        name = self.study.score.classifier.label(best)
        return f"predicted: {name}, {self.in_words(self.probabilities[key][best].item())}"

    def _predicts(self, key: str) -> bool:
        """Whether the explained class is predicted for one of `PICTURES`; several labels may be."""
        return _predicts(self.study.score.classifier, self.probabilities[key], self.target)

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
        provenance["note"] = self.note
        (provenance["measure_weights"],) = provenance["measure_weights"]
        if self.variation is not None:
            provenance["variation"] = self.variation.plain()
        return provenance | {
            "evidence": {
                "share": {key: round(share, 6) for key, share in self.shares.items()},
                "changes_answer": self.has_effect["removed"],
                "suffices": self.has_effect["kept"],
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
                "place": place_of_photo(photo.path),
                "height": photo.pixels.shape[-2],
                "width": photo.pixels.shape[-1],
                "box": framing.box(*photo.pixels.shape[-2:])._asdict(),
            },
        }


@torch.no_grad()
def assess(
    study: Study,
    share: float | None = None,
    infiller: Infiller | None = None,
) -> Assessment:
    """Assess a finished study of a single image.

    Args:
        study: A study whose steps are finished.
        share: Share of the pixels to remove and to keep, those with the highest saliency. None
            takes the smallest share whose removal changes the answer, and the smallest that alone
            keeps `regions.SUFFICIENT` of the probability; `regions.FALLBACK` where there is none.
        infiller: In-filler of the two pictures, by default that of the study.

    Raises:
        InputError: The share is not between 0 and 1.
    """
    if share is not None and not 0 < share < 1:
        raise InputError(f"expected a share of the pixels between 0 and 1, got {share}")
    score, saliency = study.score, study.explanation.saliency
    infiller = score.infiller if infiller is None else infiller
    with study.mode():
        score = replace(score, infiller=infiller)
        infilled = score.pictures(torch.zeros_like(saliency)[:, None, None])
        probabilities = _probabilities(score, {"original": score.images, INFILLED: infilled})
        target, is_value = int(score.targets[0]), score.classifier.kind is Outputs.REGRESSION
        whole, background = (probabilities[key][target].item() for key in ("original", INFILLED))
        predicted = _predicts(score.classifier, probabilities["original"], target)
        wanted = Wanted(whole, background, predicted and not is_value, is_value)
        curves, effects, shares = regions.search(score, saliency, share, wanted)
        tops = {key: masks.top_share(saliency, value) for key, value in shares.items()}
        removed, kept = score.pictures(1 - tops["removed"]), score.pictures(tops["kept"])
        probabilities |= _probabilities(score, {"removed": removed, "kept": kept})
        probabilities = {key: probabilities[key] for key in (*PICTURES, INFILLED)}
        ends = {key: row[target].item() for key, row in probabilities.items()}
        has_effect = {
            key: bool(effects[key][(curves[key].share - shares[key]).abs().argmin()])
            for key in curves
        }
        curves = {
            "removed": regions.through(
                curves["removed"], shares, ends, ("original", "removed", INFILLED)
            ),
            "kept": regions.through(curves["kept"], shares, ends, (INFILLED, "kept", "original")),
        }
        variation = variation_of(study, score, wanted)
    any_effect = any(bool(effect.any()) for effect in effects.values())
    return Assessment(
        study, shares, has_effect, infiller, removed, kept, probabilities, curves,
        _note(study, wanted, any_effect=any_effect), variation,
    )  # fmt: skip


def _note(study: Study, wanted: Wanted, *, any_effect: bool) -> str:
    """Return a line that the map shows no evidence; empty if it shows some."""
    causes, further = list(study.causes[0]), []
    method = study.method
    if method.shows_evidence and method.traits.uses_classifier and not any_effect:
        causes.append(
            "no share of the most important pixels changes the answer when it is removed, or "
            "suffices alone"
        )
        background = torch.tensor([wanted.infilled])
        if regions.suffices(background, wanted).all():
            causes.append("the photo that is wholly in-filled scores as high")
            further.append("another in-filler")
    return study.note(0, causes, further)


def _probabilities(
    score: MaskedScore, pictures: dict[str, Images]
) -> dict[str, Float[Tensor, " classes"]]:
    """Return the probabilities of all classes for each picture; values of a regression."""
    rows = values_of(score.classifier, torch.cat(list(pictures.values())))
    return dict(zip(pictures, rows, strict=True))


def _predicts(
    classifier: Classifier, probabilities: Float[Tensor, " classes"], target: int
) -> bool:
    """Whether a class is predicted; several labels may be."""
    if classifier.kind.is_multilabel:
        return probabilities[target].item() >= 0.5
    return int(probabilities.argmax()) == target


def _plain(curve: Curve, quantity: str) -> dict[str, list[float]]:
    """Return a curve as plain values."""
    share, scores, _ = curve
    return {
        "share": [round(value, 6) for value in share.tolist()],
        quantity: [round(value, 6) for value in scores[0].tolist()],
    }


def _all_curves(study: Study) -> dict[tuple[str, str], Curve]:
    """Return the curves of all protocols by name and direction."""
    curves: dict[tuple[str, str], Curve] = {}
    with shared():
        for name, protocol in CURVE_PROTOCOLS.items():
            protocol = replace(protocol, measure=regions.measure_of(study.score))
            for direction in DIRECTIONS:
                curves[name, direction] = _curves.curve(
                    study.score, study.explanation.saliency, protocol, direction
                )
    return curves
