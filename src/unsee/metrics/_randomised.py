"""Maps of classifiers with randomised layers, for MPRT and its variants."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.randomisation import Order, randomise_layers
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _similarity
from unsee.metrics.base import Context
from unsee.types import Saliency

Layers = int | Literal["all"]
"""Number of randomised layers, evenly spaced over the network, or all of them."""


def maps_of_randomised_classifiers(
    score: MaskedScore,
    context: Context,
    *,
    layers: Layers,
    order: Order = "cascading",
    samples: int = 1,
    noise: float = 0.0,
) -> Iterator[Saliency]:
    """Yield the maps of the same classes for each randomised copy of the classifier.

    `samples` and `noise` are those of `smoothed_map`.
    """
    steps = () if layers == "all" else (layers,)
    for _, classifier in randomise_layers(score.classifier, order, *steps):
        yield smoothed_map(replace(score, classifier=classifier), context, samples, noise)


def smoothed_map(score: MaskedScore, context: Context, samples: int, noise: float) -> Saliency:
    """Return the mean map over noisy copies of each image.

    The noise is Gaussian with standard deviation `noise`, pixels being in [0, 1]. `samples = 1` is
    the map of the image itself, without noise.
    """
    if samples == 1:
        return context.attribute(score)
    total = torch.zeros_like(score.images[:, 0])
    shape = score.images.shape[1:]
    for sample in range(samples):
        noisy = score.images + noise * score.random.normal(sample, *shape, stream="mprt")
        total = total + context.attribute(replace(score, images=noisy.clamp(0, 1)))
    return total / samples


def mean_similarity(
    maps: Saliency, others: Iterator[Saliency], measure: str
) -> Float[Tensor, " b"]:
    """Return the similarity of each map with the same image's other maps, averaged."""
    values = [_similarity.similarities(maps, other, measure) for other in others]
    return maps.new_tensor(values).mean(0)


def check_layers(metric: str, layers: Layers) -> None:
    """Check the number of layers.

    Raises:
        InputError: Unless it is positive or "all".
    """
    if layers != "all" and not (isinstance(layers, int) and layers >= 1):
        raise InputError(f"{metric}: expected layers >= 1 or 'all', got {layers!r}")
