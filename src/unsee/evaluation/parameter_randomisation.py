"""Sanity checks: does the map change when the classifier forgets what it learned?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.randomisation import Order, randomise_layers
from unsee.metrics import _similarity
from unsee.study import Study
from unsee.types import Saliency


@dataclass(frozen=True, eq=False)
class Forgotten:
    """What became of the maps when layers were randomise_layers."""

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
    real = Study.of(classifier, images, method, seed=seed, **asked)
    asked = {**asked, "targets": real.score.targets.tolist()}
    whole = real.finish().saliency
    yield Forgotten("", whole, _similarity.similarities_by_measure(whole, whole))
    for name, forgetful in randomise_layers(classifier, order, steps, seed):
        study = Study.of(forgetful, real.score.images, method, seed=seed, **asked)
        maps = study.finish().saliency
        yield Forgotten(name, maps, _similarity.similarities_by_measure(maps, whole))
