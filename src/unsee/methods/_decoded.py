"""Trained decoders on a classifier's feature maps: one forward pass for each image."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unsee.networks.stages import Stages
from unsee.score import MaskedScore
from unsee.types import Targets

Decode = Callable[[list[Tensor], Targets], Tensor]
"""From feature maps and classes to whatever is drawn."""


def decoded(score: MaskedScore, reader: Stages, decode: Decode) -> Tensor:
    """What a decoder makes of all images, chunk by chunk."""
    classifier, found = score.classifier, list[Tensor]()
    chunk = classifier.at_a_time(score.images, len(score.images))
    pairs = zip(score.images.split(chunk), score.targets.split(chunk), strict=True)
    with torch.no_grad():
        for images, targets in pairs:
            x = classifier.normalise(images).contiguous(memory_format=torch.channels_last)
            _, features = reader(x)
            found.append(decode([f.float() for f in features], targets))
            classifier.passes.forwards += len(images)
    return torch.cat(found)


def stages_of(score: MaskedScore) -> tuple[Stages, list[int]]:
    """The stages of the classifier that is explained, and their channels."""
    network: Any = score.classifier.model  # a module: methods that decode need one
    return Stages.of(network, score.classifier.normalise(score.images[:1]))
