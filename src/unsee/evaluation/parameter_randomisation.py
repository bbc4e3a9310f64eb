"""Parameter randomisation test: does a map change when the classifier's weights are randomised?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.randomisation import Order, randomise_layers
from unsee.metrics import _similarity
from unsee.study import Study
from unsee.types import Saliency


@dataclass(frozen=True, eq=False)
class RandomisedMaps:
    """Maps of a classifier with randomised layers."""

    layer: str
    """The last layer that was randomised; empty for the original classifier."""
    maps: Saliency
    similarity: dict[str, list[float]]
    """Similarity to the original maps, by measure, one number for each image."""


def check(
    classifier: Classifier,
    images: Any,
    method: Any,
    *,
    order: Order = "cascading",
    steps: int | None = None,
    seed: int = 0,
    **settings: Any,
) -> Iterator[RandomisedMaps]:
    """Yield maps of the classifier and of copies with more and more randomised layers.

    All maps explain the same classes. The similarity decreases if a method explains the classifier,
    and stays high if it detects edges (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS
    2018, section 3; https://arxiv.org/abs/1810.03292).

    Args:
        classifier: The original classifier.
        images: Images as for `explain`.
        method: Method as for `explain`.
        order: `cascading` randomises all layers from the output down to one, `independent` one
            layer alone.
        steps: Number of randomised layers, evenly spaced; None takes all layers.
        seed: Seed of the random weights and of the method.
        settings: Further arguments of `explain`, e.g. `infiller` or `measure`.
    """
    study = Study.of(classifier, images, method, seed=seed, **settings)
    method, score = study.method, study.score  # with the layer of the original classifier
    resolved: dict[str, Any] = {
        "infiller": score.infiller,
        "measure": score.measure,
        "targets": score.targets,
        "repeats": study.repeats,
        "cells": score.slots,
    }
    original = study.finish().saliency
    yield RandomisedMaps("", original, _similarity.similarities_by_measure(original, original))
    for name, random_classifier in randomise_layers(classifier, order, steps, seed):
        study = Study.of(random_classifier, score.images, method, seed=seed, **resolved)
        study.accepts_constant = True
        maps = study.finish().saliency
        yield RandomisedMaps(name, maps, _similarity.similarities_by_measure(maps, original))
