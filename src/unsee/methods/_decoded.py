"""Apply a trained decoder to a classifier's feature maps, in one pass for each image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits
from unsee.masking.score import MaskedScore
from unsee.methods._evidence import gradient_evidence
from unsee.networks.stages import FeatureExtractor
from unsee.types import Targets

Decoder = Callable[[list[Tensor], Logits, Targets], Tensor]
"""From the feature maps, logits and target classes of n images to a result (n, ...)."""


def decode(
    score: MaskedScore,
    layers: Sequence[str],
    decoder: Decoder,
    *,
    classifier: Classifier | None = None,
    evidence: bool = False,
) -> Tensor:
    """Return the decoder's results for all images of a score, computed in chunks.

    Args:
        score: Images, targets and classifier.
        layers: Qualified names of the modules whose outputs the decoder receives.
        decoder: Decoder of a chunk.
        classifier: Classifier whose feature maps are read; None takes that of the score.
        evidence: Whether gradient evidence is appended to the feature maps.
    """
    reader, results = classifier or score.classifier, list[Tensor]()
    chunk = score.classifier.batch_size_for(score.images, len(score.images), gradient=evidence)
    pairs = zip(score.images.split(chunk), score.targets.split(chunk), strict=True)
    with torch.no_grad():
        for images, targets in pairs:
            features = reader.features(images, layers, gradient=evidence)
            maps = features.maps
            if features.gradient is not None:
                maps = [*maps, gradient_evidence(features.inputs, features.gradient)]
            results.append(decoder(maps, features.logits, targets))
    return torch.cat(results)


def decoder_stages(score: MaskedScore) -> tuple[list[str], list[int]]:
    """Return the names of the modules that a decoder reads, and the channels of their outputs.

    Raises:
        InputError: The classifier is a black box, or its network has no feature maps.
    """
    network = score.classifier.require_network("reading feature maps")
    extractor, channels = FeatureExtractor.of(
        network, score.classifier.network_input(score.images[:1])
    )
    return extractor.names, channels
