"""Assess one explanation: removal and keep pictures, probabilities, deletion and insertion."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.images.reading import PhotoFile
from unsee.infillers.base import Infiller
from unsee.masking import masks
from unsee.metrics import _curves
from unsee.metrics._curves import PROTOCOLS, Curve
from unsee.registry import settings_of
from unsee.study import Study
from unsee.types import Images

CURVE_PROTOCOLS = {name: PROTOCOLS[name] for name in ("rise", "igos", "igos-released")}
"""Protocols of the deletion and insertion curves of every result."""
DIRECTIONS: tuple[_curves.Direction, ...] = get_args(_curves.Direction)
PICTURES = ("original", "removed", "kept")
"""The photo, the photo without its top pixels, and the top pixels alone."""


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
    """Probabilities of all classes for each of `PICTURES`."""
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
        """Probability of the explained class for each of `PICTURES`."""
        return {key: p[self.target].item() for key, p in self.probabilities.items()}

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
        best = int(self.probabilities[key].argmax())
        if self._predicts(key):
            return "predicted class" if key == "original" else "still the predicted class"
        if best == self.target:
            return "not predicted"
        name = self.study.score.classifier.label(best)
        return f"predicted: {name}, {self.probabilities[key][best]:.0%}"

    def _predicts(self, key: str) -> bool:
        """Whether the explained class is predicted for one of `PICTURES`; several labels may be."""
        probabilities = self.probabilities[key]
        if self.study.score.classifier.kind.is_multilabel:
            return probabilities[self.target].item() >= 0.5
        return int(probabilities.argmax()) == self.target

    def top_classes(self, count: int) -> list[tuple[int, str]]:
        """Return the explained class, then those that are most probable in any picture."""
        highest = torch.stack(list(self.probabilities.values())).amax(0)
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
            "evidence": {"share": self.share, "infiller": settings_of(self.infiller)},
            "probability": {
                key: round(probability, 6) for key, probability in self.target_probabilities.items()
            },
            "area": self.areas,
            "protocols": {name: protocol.summary for name, protocol in CURVE_PROTOCOLS.items()},
            "input": {
                "path": photo.path,
                "sha256": photo.sha256,
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
        rows = score.classifier.probabilities(torch.cat([score.images, removed, kept]))
        probabilities = dict(zip(PICTURES, rows.cpu(), strict=True))
        curves = _all_curves(study)
    return Assessment(study, share, infiller, removed, kept, probabilities, curves)


def _all_curves(study: Study) -> dict[tuple[str, str], Curve]:
    """Return the curves of all protocols; protocols that differ in their area only share one."""
    computed: dict[tuple[Any, ...], Curve] = {}
    curves: dict[tuple[str, str], Curve] = {}
    for name, protocol in CURVE_PROTOCOLS.items():
        for direction in DIRECTIONS:
            key = (protocol.cells, protocol.step, protocol.backgrounds, direction)
            if key not in computed:
                computed[key] = _curves.curve(
                    study.score, study.explanation.saliency, protocol, direction
                )
            curves[name, direction] = computed[key]
    return curves
