"""Trained decoders on a classifier's feature maps: one pass for each image."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unsee.classifiers.classifier import unwrapped
from unsee.classifiers.measures import Logits
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.networks.stages import Stages
from unsee.types import Targets

Decode = Callable[[list[Tensor], Logits, Targets], Tensor]
"""From feature maps, what the classifier says and classes to whatever is drawn."""


def decoded(score: MaskedScore, reader: Stages, decode: Decode) -> Tensor:
    """What a decoder makes of all images, chunk by chunk."""
    classifier, found = score.classifier, list[Tensor]()
    gradient = reader.backwards > 0
    chunk = classifier.at_a_time(score.images, len(score.images), gradient=gradient)
    pairs = zip(score.images.split(chunk), score.targets.split(chunk), strict=True)
    with torch.no_grad():
        for images, targets in pairs:
            x = classifier.normalise(images).contiguous(memory_format=torch.channels_last)
            answer, features = reader(x)
            said = unwrapped(answer).float()
            found.append(decode([f.float() for f in features], said, targets))
            classifier.passes.forwards += len(images)
            classifier.passes.backwards += reader.backwards * len(images)
    return torch.cat(found)


def module_of(score: MaskedScore, what: str) -> nn.Module:
    """The classifier's network. Raises `InputError`, naming what reads it, for a black box."""
    network: Any = score.classifier.model
    if not isinstance(network, nn.Module):
        raise InputError(f"{what} reads a classifier's feature maps, and a black box has none")
    return network


def stages_of(score: MaskedScore) -> tuple[Stages, list[int]]:
    """The stages of the classifier that is explained, and their channels."""
    network: Any = score.classifier.model  # a module: methods that decode need one
    return Stages.of(network, score.classifier.normalise(score.images[:1]))
