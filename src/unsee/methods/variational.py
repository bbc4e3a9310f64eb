"""Variational saliency: a trained encoder's Gaussian over maps."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import Logits
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._decoded import ImageNetwork, OnePassNetwork, check_classifier, fitting
from unsee.methods._one_pass import OnePassMethod
from unsee.methods.base import Progress, Traits, fixed_maps
from unsee.networks import weights as files
from unsee.networks.gaussian_decoder import GaussianDecoder
from unsee.networks.head import class_weights
from unsee.networks.mixture import Mixture
from unsee.networks.variational_encoder import VariationalEncoder
from unsee.noise import ImageRandom
from unsee.types import Targets

__all__ = ["Variational"]

METADATA = ("classifier", "reads", "side", "channels")
"""Keys that the metadata of a file of weights must have."""
UNTRAINED_WIDTHS = (8, 8)
"""Channels of an encoder with random weights."""
Encoder = VariationalEncoder | GaussianDecoder
PUBLISHED = files.Published("variational.safetensors", "unsee train variational", "yours")


@dataclass(frozen=True)
class Variational(OnePassMethod):
    """Variational saliency (Kim et al.), trained by `unsee train variational`.

    One pass of the encoder gives a mean mu and a variance sigma^2 for each pixel. The encoder reads
    the image, the classifier's feature maps, or these and the gradient of the prediction, depending
    on how it was trained. With e ~ N(0, 1) for each pixel, drawn with the run's seed, the map is

        mu (reading=mean),  sigma (reading=deviation)  or  mu + sigma e (reading=sample);

    several samples (`repeats`) show the same uncertainty as the deviation. Encoders with several
    Gaussians are read as their mixture. The map does not depend on the target.

    Training minimises, with a = mu + sigma e,

        cross-entropy(p(. | x), p(. | x showing only softtopk(a)))
            + prior KL(N(mu, sigma^2) || N(0, S)) / n,

    where S, the Soft-TV prior, correlates neighbours among the n pixels.

    Reference: Kim et al., "Variational saliency maps for explaining model's behavior", submitted to
    ICLR 2021, https://openreview.net/forum?id=x2ywTOFM4xt.

    Departures from the paper:
        - The weights of the package are of an encoder that reads feature maps and gradients; the
          published encoder, which reads the image, is `unsee train variational`, and none ships.
        - Log variances are squashed to (-8, 8), and gradients are clipped at a norm of 10.
        - Scores of the soft top-k are scaled by their standard deviation, not to [0, 1].
        - The learning rate falls along a cosine (`--schedule constant` is the paper's), and default
          batches are smaller.
        - The divergence is divided by the pixels; the paper does not state its weight.
    """

    traits = Traits(needs_weights=True)

    weights: str = ""
    """Path or name of weights trained for this classifier; by default those of the package."""
    reading: Literal["mean", "deviation", "sample"] = "mean"
    """Statistic of the Gaussian that the map shows."""

    @property
    def caption(self) -> tuple[str, str, str]:
        """Title of the map, and the labels of its lowest and its highest values."""
        if self.reading == "deviation":
            return "Where the map is unsure", "sure", "unsure"
        return super().caption

    @property
    def shows_evidence(self) -> bool:
        """Whether the map ranks pixels by importance, and not by the deviation of the masks."""
        return self.reading != "deviation"

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the maps after at most one pass for each image."""
        size = score.images.shape[-2:]
        if self.reading == "sample":
            parameters = self._parameters(score).of_score(score)
            maps = _sample(Mixture(*parameters.unbind(1)), score.random)
        else:
            maps = self.network(score).of_score(score)
        yield Progress(1, 1, fixed_maps(masks.resize(maps[:, None, None], size)[:, 0, 0]))

    def network(self, score: MaskedScore) -> OnePassNetwork:
        """Return the network, whose result is the mean or the deviation (n, gh, gw)."""
        if self.reading == "sample":
            raise InputError("reading=sample draws random numbers; expected mean or deviation")
        parameters = self._parameters(score)

        def statistic(maps: list[Tensor], logits: Logits, targets: Targets) -> Tensor:
            mixture = Mixture(*parameters.decoder(maps, logits, targets).unbind(1))
            return mixture.mean if self.reading == "mean" else mixture.deviation

        return replace(parameters, decoder=statistic)

    def _parameters(self, score: MaskedScore) -> OnePassNetwork:
        """Return the network, whose result is the Gaussians (n, 2, k, gh, gw)."""
        encoder, layers = self._load(score)
        classifier = score.classifier
        if not layers:
            return ImageNetwork(
                classifier, layers, encoder, lambda x, *_: torch.stack(encoder(x[0]), 1)
            )
        return OnePassNetwork(
            classifier, layers, encoder,
            lambda maps, x, _: torch.stack(encoder(maps, classifier.kind.probabilities(x)), 1),
            reads_gradient=_reads_gradients(encoder),
        )  # fmt: skip

    def _load(self, score: MaskedScore) -> tuple[Encoder, list[str]]:
        """Return the trained encoder and the names of the layers that it reads."""
        classifier, device = score.classifier, score.images.device
        if self.weights == files.RANDOM:
            untrained: Any = files.untrained(
                VariationalEncoder, classifier.channels, UNTRAINED_WIDTHS
            )
            return untrained.to(device), []
        path = files.find(self.weights, PUBLISHED)

        def variational() -> tuple[dict[str, str], list[str], Encoder]:
            metadata, tensors = files.load_trained(path, METADATA, "variational encoder")
            with fitting(score, path, metadata, "variational"):
                encoder = _untrained(metadata, score, path)
                files.load_into(encoder, tensors, path)
            layers = json.loads(metadata.get("stages", "[]"))
            return metadata, layers, encoder.to(device)

        # the cache's key is the model, which may be a function
        metadata, layers, encoder = files.cached(classifier.model, path, device, variational)
        check_classifier(path, metadata, classifier)
        if _reads_gradients(encoder) and not classifier.differentiable:
            raise InputError(f"{path} reads gradients, and this classifier has none")
        return encoder, layers


def _reads_gradients(encoder: Encoder) -> bool:
    """Return whether the encoder reads gradient evidence."""
    return isinstance(encoder, GaussianDecoder) and encoder.evidence is not None


def _sample(mixture: Mixture, random: ImageRandom) -> Float[Tensor, "b _gh _gw"]:
    """Return a map of each image, drawn from one of its Gaussians."""
    uniform = random.uniform(0, 1, stream="variational")[:, 0]
    mean, log_variance = mixture.component((uniform * mixture.means.shape[1]).long())
    noise = random.normal(0, *mean.shape[1:], stream="variational")
    return mean + (log_variance / 2).exp() * noise


def _untrained(metadata: dict[str, str], score: MaskedScore, path: Path) -> Encoder:
    """Return an untrained network of the architecture that the metadata describe."""
    channels, side = json.loads(metadata["channels"]), int(metadata["side"])
    if metadata["reads"] != "image":
        network = score.classifier.require_network(str(path))
        rows = class_weights(network, int(metadata["rows"]))
        reads_gradients = metadata["reads"] == "gradients"
        heads = int(metadata.get("heads", 1))  # absent from earlier files
        return GaussianDecoder(channels, int(metadata["width"]), side, rows, reads_gradients, heads)
    return VariationalEncoder(channels, json.loads(metadata["widths"]), side)
