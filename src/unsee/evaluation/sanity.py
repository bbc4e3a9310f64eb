"""Sanity checks: does the map change when the classifier forgets what it learned?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from unsee import similarity
from unsee.classifier import Classifier
from unsee.explain import Study
from unsee.forgetting import Order, randomised
from unsee.types import Saliency


@dataclass(frozen=True, eq=False)
class Forgotten:
    """What became of the maps when layers were randomised."""

    layer: str
    maps: Saliency
    similarity: dict[str, list[float]]
    """By measure, one number for each image."""


def check(
    classifier: Classifier,
    images: Any,
    method: Any,
    *,
    order: Order = "cascading",
    steps: int = 0,
    seed: int = 0,
    **asked: Any,
) -> Iterator[Forgotten]:
    """Maps of ever more random classifiers beside those of the real one, of the same classes.

    A method that explains the classifier falls to no similarity; one that draws edges does not.
    The first result is the real classifier's. `asked` goes to `explain`: infiller, measure ...
    """
    real = _explained(Study.of(classifier, images, method, seed=seed, **asked))
    asked = {**asked, "targets": real.score.targets.tolist()}
    whole = real.explanation.saliency
    yield _beside("", whole, whole)
    for name, forgetful in randomised(classifier, order, steps, seed):
        study = _explained(Study.of(forgetful, real.score.images, method, seed=seed, **asked))
        yield _beside(name, study.explanation.saliency, whole)


def _explained(study: Study) -> Study:
    for _ in study.steps():
        pass
    return study


def _beside(layer: str, maps: Saliency, real: Saliency) -> Forgotten:
    found: dict[str, list[float]] = {name: [] for name in similarity.MEASURES}
    one: Float[Tensor, "h w"]
    for one, other in zip(maps, real, strict=True):
        for name in found:
            found[name].append(similarity.alike(one, other, name))
    return Forgotten(layer, maps, found)
