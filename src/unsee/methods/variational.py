"""Variational saliency: a trained encoder's Gaussian over maps."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._decoded import decoded, module_of
from unsee.methods._evidence import Evident
from unsee.methods.base import Method, Progress, drawn
from unsee.networks import weights as files
from unsee.networks.gaussian_decoder import GaussianDecoder
from unsee.networks.head import rows_of
from unsee.networks.mixture import Mixture
from unsee.networks.stages import Stages
from unsee.networks.variational_encoder import VariationalEncoder
from unsee.noise import ImageRandom

__all__ = ["Variational"]

NEEDED = ("classifier", "reads", "side", "channels")
TOGETHER = 8
"""Images that are read at a time."""
Encoder = VariationalEncoder | GaussianDecoder
PUBLISHED = files.Published("variational.safetensors", "unsee train variational", "yours")


@dataclass(frozen=True)
class Variational(Method):
    """Variational saliency (Kim et al.), trained by `unsee train variational`.

    One pass of the encoder gives a mean and a variance for each pixel: from the image, or, where it
    was trained so, from the classifier's feature maps, or from these and its answer's gradient.
    `reading` takes the mean, the uncertainty (the standard deviation), or a map drawn with the
    run's seed, of which several (`repeats`) show the same spread. Several Gaussians, where it was
    trained so, are read as their mixture. The target does not count.
    """

    learned: ClassVar[bool] = True

    weights: str = ""
    """Path of variational.safetensors, trained for this classifier."""
    reading: Literal["mean", "deviation", "sample"] = "mean"
    """What the map shows."""

    @property
    def shown(self) -> tuple[str, str, str]:
        """Evidence, or what the network is unsure of."""
        if self.reading == "deviation":
            return "Where the map is unsure", "sure", "unsure"
        return super().shown

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round; at most one forward pass for each image."""
        found, size = self._mixture(score), score.images.shape[-2:]
        if self.reading == "sample":
            maps = _sampled(found, score.random)
        else:
            maps = found.mean if self.reading == "mean" else found.deviation
        yield Progress(1, 1, drawn(masks.resize(maps[:, None, None], size)[:, 0, 0]))

    def _mixture(self, score: MaskedScore) -> Mixture:
        """The Gaussians over the maps of all images."""
        encoder, stages = self._encoder(score)
        if stages is not None:
            both = decoded(
                score, stages, lambda maps, said, _: torch.stack(encoder(maps, said.softmax(1)), 1)
            )
            return Mixture(*both.unbind(1))
        with torch.no_grad():
            parts = [encoder(score.classifier.normalise(x)) for x in score.images.split(TOGETHER)]
        return Mixture(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _encoder(self, score: MaskedScore) -> tuple[Encoder, Stages | None]:
        """The trained network, and what reads the feature maps that it wants."""
        classifier, device = score.classifier, score.images.device
        if self.weights == files.RANDOM:
            made: Any = files.untrained(VariationalEncoder, classifier.channels, (8, 8))
            return made.to(device), None
        path = files.find(self.weights, PUBLISHED, "weights=PATH")

        def variational() -> tuple[str, list[str], Encoder]:
            about, tensors = files.described(path, NEEDED, "variational encoder")
            made = _made(about, score, path)
            files.fit(made, tensors, path)
            return about["classifier"], json.loads(about.get("stages", "[]")), made.to(device)

        model: Any = classifier.model  # a function is as good a key as a module
        trained_for, names, encoder = files.ready(model, path, device, variational)
        files.for_classifier(path, trained_for, classifier.name)
        evident = isinstance(encoder, GaussianDecoder) and encoder.evidence is not None
        if evident and not classifier.differentiable:
            raise InputError(f"{path} reads gradients, and this classifier has none")
        reader = Evident if evident else Stages
        return encoder, reader(model, names) if names else None


def _sampled(found: Mixture, random: ImageRandom) -> Float[Tensor, "b _gh _gw"]:
    """A map of each image, from one of the Gaussians."""
    coin = random.uniform(0, 1, stream="variational")[:, 0]
    mean, log_variance = found.one((coin * found.means.shape[1]).long())
    noise = random.normal(0, *mean.shape[1:], stream="variational")
    return mean + (log_variance / 2).exp() * noise


def _made(about: dict[str, str], score: MaskedScore, path: Path) -> Encoder:
    """The untrained network that a file of weights is for."""
    channels, side = json.loads(about["channels"]), int(about["side"])
    if about["reads"] != "image":
        rows = rows_of(module_of(score, str(path)), int(about["rows"]))
        evident = about["reads"] == "gradients"
        heads = int(about.get("heads", 1))  # earlier weights do not say
        return GaussianDecoder(channels, int(about["width"]), side, rows, evident, heads)
    return VariationalEncoder(channels, json.loads(about["widths"]), side)
