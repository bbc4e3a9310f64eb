"""Maps of classifiers that have forgotten layers, for the metrics of the MPRT family."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.randomisation import Order, randomise_layers
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _similarity
from unsee.metrics.base import Context
from unsee.types import Saliency


def forgetful_maps(
    score: MaskedScore, context: Context, order: Order, layers: int, samples: int, noise: float
) -> Iterator[Saliency]:
    """Maps of the same classes after each of so many layers was forgotten."""
    for _, classifier in randomise_layers(score.classifier, order, layers):
        yield smoothed(replace(score, classifier=classifier), context, samples, noise)


def smoothed(score: MaskedScore, context: Context, samples: int, noise: float) -> Saliency:
    """The mean map of photos with Gaussian noise; of the photo itself for one sample."""
    if samples == 1:
        return context.again(score)
    total = torch.zeros_like(score.images[:, 0])
    shape = score.images.shape[1:]
    for sample in range(samples):
        near = score.images + noise * score.random.normal(sample, *shape, stream="mprt")
        total = total + context.again(replace(score, images=near.clamp(0, 1)))
    return total / samples


def likeness(one: Saliency, other: Saliency, measure: str) -> Float[Tensor, " b"]:
    """How alike two maps of each photo are."""
    return one.new_tensor(_similarity.each(one, other, measure))


def check(name: str, layers: int, samples: int = 1) -> None:
    """Refuse no layers and no samples."""
    if layers < 0 or samples < 1:
        raise InputError(
            f"{name}: expected layers >= 0 and samples >= 1, got {layers} and {samples}"
        )
