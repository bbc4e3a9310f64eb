"""Apply a trained decoder to a classifier's feature maps, in one pass for each image."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from unsee.classifiers.answers import Answers
from unsee.classifiers.checks import call_model
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods._evidence import gradient_evidence
from unsee.networks import weights
from unsee.networks.stages import FeatureExtractor
from unsee.storage.files import parse_json
from unsee.storage.records import record
from unsee.types import Images, Targets

Decoder = Callable[[list[Tensor], Logits, Targets], Tensor]
"""From the feature maps, logits and target classes of n images to a result (n, ...)."""
IMAGES_PER_BATCH = 8
"""Images at a time in a network that reads the image."""


@dataclass(frozen=True, eq=False)
class OnePassNetwork:
    """A classifier, and a trained network that reads its feature maps in the same pass."""

    classifier: Classifier
    """Classifier whose feature maps are read."""
    layers: Sequence[str]
    """Qualified names of the modules whose outputs are read."""
    module: nn.Module
    """The trained network."""
    decoder: Decoder
    """Function that calls the trained network."""
    reads_gradient: bool = False
    """Whether gradient evidence is appended to the feature maps."""
    has_target: bool = False
    """Whether the result is for a class; otherwise it is the same for all classes."""

    @torch.no_grad()
    def __call__(self, images: Images, targets: Targets) -> Tensor:
        """Return the decoder's result for images that fit in memory."""
        features = self.classifier.features(images, self.layers, gradient=self.reads_gradient)
        maps = features.maps
        if features.gradient is not None:
            maps = [*maps, gradient_evidence(features.inputs, features.gradient)]
        return self.decoder(maps, features.logits, targets)

    def of_score(self, score: MaskedScore) -> Tensor:
        """Return the decoder's results for all images of a score, computed in chunks."""
        count, gradient = len(score.images), self.reads_gradient
        chunk = score.classifier.batch_size_for(score.images, count, gradient=gradient)
        pairs = zip(score.images.split(chunk), score.targets.split(chunk), strict=True)
        return torch.cat([self(images, targets) for images, targets in pairs])


@dataclass(frozen=True, eq=False)
class ImageNetwork(OnePassNetwork):
    """A trained network that reads the normalised image alone."""

    @torch.no_grad()
    def __call__(self, images: Images, targets: Targets) -> Tensor:
        """Return the decoder's result for images that fit in memory."""
        inputs = self.classifier.normalise(images)
        return self.decoder([inputs], inputs.new_zeros(inputs.shape[0], 0), targets)

    def of_score(self, score: MaskedScore) -> Tensor:
        """Return the decoder's results for all images of a score, computed in chunks."""
        pairs = (part.split(IMAGES_PER_BATCH) for part in (score.images, score.targets))
        return torch.cat([self(images, targets) for images, targets in zip(*pairs, strict=True)])


def decoder_stages(score: MaskedScore) -> tuple[list[str], list[int]]:
    """Return the names of the modules that a decoder reads, and the channels of their outputs.

    Raises:
        InputError: The classifier is a black box, or its network has no feature maps.
    """
    network = score.classifier.require_network("reading feature maps")
    first = score.classifier.network_input(score.images[:1])
    extractor, channels = call_model(partial(FeatureExtractor.of, network), first)
    return extractor.names, channels


def check_classifier(path: Path, metadata: dict[str, str], classifier: Classifier) -> None:
    """Raise `InputError` for weights of another classifier, by its name and its answers.

    Weights of earlier versions hold no answers. Randomised copies of the classifier are accepted.
    """
    weights.check_classifier(path, metadata["classifier"], classifier.name)
    if "answers" not in metadata or classifier.is_randomised:
        return
    stored = record(Answers, parse_json(metadata["answers"], path), path)
    if not stored.are_of(classifier):
        raise InputError(
            f"{path} was trained for another classifier of the name {metadata['classifier']} "
            "(other outputs for the same pictures); `unsee train` makes weights for yours"
        )


@contextmanager
def fitting(score: MaskedScore, path: Path, metadata: dict[str, str], task: str) -> Iterator[None]:
    """Check that trained weights fit the classifier's network, and that they load in the block.

    Args:
        score: Images and classifier.
        path: File of the weights.
        metadata: Metadata of the file.
        task: Name of the `unsee train` task that trains such weights.

    Raises:
        InputError: The network lacks the layers that the weights read, or these have another
            number of channels, or the block raises an `InputError`.
    """
    trained_for = metadata["classifier"] or "another network"
    other = InputError(
        f"{path.name}: these weights are for {trained_for}, which differs from this classifier's "
        f"network; train yours: unsee train {task}"
    )
    if not _fits(score, metadata):
        raise other
    try:
        yield
    except InputError as error:
        raise other from error


def _fits(score: MaskedScore, metadata: dict[str, str]) -> bool:
    """Return whether the network has layers with the names and channels that the metadata list."""
    layers, channels = json.loads(metadata.get("stages", "[]")), json.loads(metadata["channels"])
    if not layers:  # the weights read the image
        return bool(channels == score.classifier.channels)
    network = score.classifier.require_network("reading feature maps")
    if not set(layers) <= {name for name, _ in network.named_modules()}:
        return False
    with torch.no_grad():
        _, maps = FeatureExtractor(network, layers)(
            score.classifier.network_input(score.images[:1])
        )
    return [map_.shape[1] for map_ in maps if map_.ndim == 4] == channels[: len(maps)]
