"""Variational saliency: a trained encoder's Gaussian over maps."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from unsee import masks
from unsee import weights as files
from unsee.methods.base import Method, Progress, drawn
from unsee.networks.variational_encoder import VariationalEncoder
from unsee.score import MaskedScore

__all__ = ["Variational"]

NEEDED = ("classifier", "widths", "side", "channels")
PUBLISHED = files.Published("variational.safetensors", "unsee train variational", "yours")


@dataclass(frozen=True)
class Variational(Method):
    """Variational saliency (Kim et al.), trained by `unsee train variational`.

    One pass of the encoder gives a mean and a variance for each pixel; the classifier is not asked.
    `reading` takes the mean, the uncertainty (the standard deviation), or a map drawn with the
    run's seed, of which several (`repeats`) show the same spread. The target does not count.
    """

    learned: ClassVar[bool] = True

    weights: str = ""
    """Path of variational.safetensors, trained for this classifier."""
    reading: Literal["mean", "deviation", "sample"] = "mean"
    """What the map shows."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round without a pass through the classifier."""
        encoder, size = self._encoder(score), score.images.shape[-2:]
        found: list[Tensor] = []
        with torch.no_grad():
            for part in score.images.split(8):
                mean, log_variance = encoder(score.classifier.normalise(part))
                found.append(torch.stack([mean, (log_variance / 2).exp()], 1))
        mean, deviation = torch.cat(found).unbind(1)
        if self.reading == "deviation":
            mean = deviation
        elif self.reading == "sample":
            mean = mean + deviation * score.random.normal(0, *mean.shape[1:], stream="variational")
        maps = masks.resize(mean[:, None, None], size)[:, 0, 0]
        yield Progress(1, 1, drawn(maps))

    def _encoder(self, score: MaskedScore) -> VariationalEncoder:
        classifier = score.classifier
        if self.weights == files.RANDOM:
            made: Any = files.untrained(VariationalEncoder, classifier.channels, (8, 8))
            return made.to(score.images.device)
        path = files.find(self.weights, PUBLISHED, "--method.weights")
        device = score.images.device

        def variational() -> tuple[str, VariationalEncoder]:
            about, tensors = files.described(path, NEEDED, "variational encoder")
            encoder = VariationalEncoder(
                int(about["channels"]), json.loads(about["widths"]), int(about["side"])
            )
            files.fit(encoder, tensors, path)
            return about["classifier"], encoder.to(device)

        model: Any = classifier.model  # a function is as good a key as a module
        trained_for, encoder = files.ready(model, path, device, variational)
        files.for_classifier(path, trained_for, classifier.name)
        return encoder
