"""CASM: a trained decoder that masks the object in one pass."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from unsee import weights as files
from unsee.methods.base import Method, Progress, drawn
from unsee.networks.mask_decoder import MaskDecoder
from unsee.networks.stages import Stages, find
from unsee.score import MaskedScore

__all__ = ["CASM"]

NEEDED = ("classifier", "stages", "channels", "width", "shared")
PUBLISHED = files.Published("casm.safetensors", "unsee train casm", "yours")


@dataclass(frozen=True)
class CASM(Method):
    """Classifier-agnostic saliency map (Zolna, Geras & Cho 2018), trained by `unsee train casm`.

    Feature maps of the classifier, or of the one that was trained along, go through a decoder: one
    forward pass. The map is of what classifiers can see, not of a class: the target does not count.
    """

    needs_module: ClassVar[bool] = True
    learned: ClassVar[bool] = True

    weights: str = ""
    """Path of casm.safetensors, trained for this classifier."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round, one forward pass for each image."""
        classifier = score.classifier
        reader, decoder = self._networks(score)
        size = (score.images.shape[-2], score.images.shape[-1])
        chunk = classifier.at_a_time(score.images, len(score.images))
        found: list[Tensor] = []
        with torch.no_grad():
            for part in score.images.split(chunk):
                x = classifier.normalise(part).contiguous(memory_format=torch.channels_last)
                _, features = reader(x)
                found.append(decoder([f.float() for f in features], size)[:, 0])
                classifier.passes.forwards += len(part)
        yield Progress(1, 1, drawn(torch.cat(found)))

    def _networks(self, score: MaskedScore) -> tuple[Stages, MaskDecoder]:
        """What reads the feature maps, and what makes masks of them."""
        network: Any = score.classifier.model
        device = score.images.device
        if self.weights == files.RANDOM:
            x = score.classifier.normalise(score.images[:1])
            stages = find(network, x)
            with torch.no_grad():
                _, features = Stages(network, stages)(x)
            channels = [f.shape[1] for f in features]
            decoder: Any = files.untrained(MaskDecoder, channels)
            return Stages(network, stages), decoder.to(device)
        path = files.find(self.weights, PUBLISHED, "--method.weights")
        about, tensors = files.described(path, NEEDED, "mask decoder")
        files.for_classifier(path, about, score.classifier.name)
        decoder = MaskDecoder(json.loads(about["channels"]), int(about["width"]))
        files.fit(decoder, _part(tensors, "decoder."), path)
        if about["shared"] == "True":
            network = copy.deepcopy(network)
            files.fit(network, _part(tensors, "network."), path)
        return Stages(network.to(device), json.loads(about["stages"])), decoder.to(device)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
