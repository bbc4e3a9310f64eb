"""What an explanation comes to when it is put to the test."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

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

NAMED = {name: PROTOCOLS[name] for name in ("rise", "igos", "igos-released")}
"""Protocols under which every result is rated."""
DIRECTIONS: tuple[_curves.Direction, ...] = ("deletion", "insertion")


@dataclass(frozen=True, eq=False)
class Assessment:
    """One image's explanation, put to the test."""

    study: Study
    share: float
    """How many of the pixels count as the evidence."""
    judge: Infiller
    """What stands in for removed pixels in the two pictures."""
    removed: Images
    """The evidence in-filled: what the classifier would have seen."""
    kept: Images
    """Nothing but the evidence, the rest in-filled."""
    probabilities: dict[str, Float[Tensor, " classes"]]
    """Of all classes, for the `original`, the `removed` and the `kept` picture."""
    curves: dict[tuple[str, str], Curve]
    """By protocol and direction."""

    @property
    def target(self) -> int:
        """The class that was explained."""
        return int(self.study.score.targets[0])

    @property
    def name(self) -> str:
        """Its name."""
        return self.study.score.classifier.label(self.target)

    @property
    def target_probabilities(self) -> dict[str, float]:
        """Probability of the target under the three pictures."""
        return {key: p[self.target].item() for key, p in self.probabilities.items()}

    @cached_property
    def areas(self) -> dict[str, dict[str, float]]:
        """By protocol, then direction."""
        return {
            name: {
                way: round(protocol.area(self.curves[name, way])[0].item(), 6) for way in DIRECTIONS
            }
            for name, protocol in NAMED.items()
        }

    @property
    def subtitle(self) -> str:
        """Who says so, and at what cost."""
        provenance = self.study.explanation.provenance
        cost = provenance["cost"]
        return (
            f"{provenance['method']['name']} with {provenance['infiller']['name']}, "
            f"classifier {provenance['classifier']['name']}, seed {provenance['seed']}, "
            f"{cost['forwards']:,} forward and {cost['backwards']:,} backward passes, "
            f"{cost['seconds']:.0f} s; pictures in-filled by {settings_of(self.judge)['name']}"
        )

    def verdict(self, key: str) -> str:
        """What the classifier says to one of the three pictures, in words."""
        best = int(self.probabilities[key].argmax())
        if best == self.target:
            return "the answer" if key == "original" else "still the answer"
        name = self.study.score.classifier.label(best)
        return f"the answer is {name}, {self.probabilities[key][best]:.0%}"

    def leading(self, count: int) -> list[tuple[int, str]]:
        """The target, then the classes that any of the three pictures makes most probable."""
        most = torch.stack(list(self.probabilities.values())).amax(0)
        order = [i for i in most.argsort(descending=True).tolist() if i != self.target]
        chosen = [self.target, *order[: count - 1]]
        return [(index, self.study.score.classifier.label(index)) for index in chosen]

    def manifest(self, photo: PhotoFile) -> dict[str, Any]:
        """All that is needed to read the result and to make it again, as plain values."""
        explanation = self.study.explanation
        score, provenance = self.study.score, dict(explanation.provenance)
        framing = score.classifier.framing
        (provenance["target"],) = provenance["target"]
        return provenance | {
            "evidence": {"share": self.share, "infiller": settings_of(self.judge)},
            "probability": {
                key: round(chance, 6) for key, chance in self.target_probabilities.items()
            },
            "area": self.areas,
            "protocols": {name: protocol.summary for name, protocol in NAMED.items()},
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
    """Test a finished study of a single image: remove and keep its top `share`, draw its curves.

    `infiller` stands in for what is removed in the pictures; by default the one of the study.
    """
    if not 0 < share < 1:
        raise InputError(f"expected a share of evidence between 0 and 1, got {share}")
    score, saliency = study.score, study.explanation.saliency
    infiller = score.infiller if infiller is None else infiller
    top = masks.top_share(saliency, share)
    shown = replace(score, infiller=infiller)
    removed, kept = shown.pictures(1 - top), shown.pictures(top)
    logits = score.classifier.predict(torch.cat([score.images, removed, kept]))
    names = ("original", "removed", "kept")
    probabilities = dict(zip(names, logits.softmax(1).cpu(), strict=True))
    shared: dict[tuple[Any, ...], Curve] = {}  # protocols that differ in their area only
    walks: dict[tuple[str, str], Curve] = {}
    for name, protocol in NAMED.items():
        for way in DIRECTIONS:
            key = (protocol.cells, protocol.step, protocol.backgrounds, way)
            if key not in shared:
                shared[key] = _curves.curve(score, saliency, protocol, way)
            walks[name, way] = shared[key]
    return Assessment(study, share, infiller, removed, kept, probabilities, walks)
