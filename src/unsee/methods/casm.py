"""CASM: a trained decoder that masks the object in one pass."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.methods._decoded import decoded, stages_of
from unsee.methods.base import Method, Progress, drawn
from unsee.networks import weights as files
from unsee.networks.mask_decoder import MaskDecoder
from unsee.networks.stages import Stages

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
        reader, decoder = self._networks(score)
        size = (score.images.shape[-2], score.images.shape[-1])
        masks = decoded(score, reader, lambda features, *_: decoder(features, size)[:, 0])
        yield Progress(1, 1, drawn(masks))

    def _networks(self, score: MaskedScore) -> tuple[Stages, MaskDecoder]:
        """What reads the feature maps, and what makes masks of them."""
        network: Any = score.classifier.model
        device = score.images.device
        if self.weights == files.RANDOM:
            reader, channels = stages_of(score)
            decoder: Any = files.untrained(MaskDecoder, channels)
            return reader, decoder.to(device)
        path = files.find(self.weights, PUBLISHED, "weights=PATH")

        def casm() -> tuple[str, Stages | None, list[str], MaskDecoder]:
            about, tensors = files.described(path, NEEDED, "mask decoder")
            decoder = MaskDecoder(json.loads(about["channels"]), int(about["width"]))
            files.fit(decoder, _part(tensors, "decoder."), path)
            names, own = json.loads(about["stages"]), None
            if about["shared"] == "True":
                trained = copy.deepcopy(network)
                files.fit(trained, _part(tensors, "network."), path)
                own = Stages(trained.to(device), names)
            return about["classifier"], own, names, decoder.to(device)

        trained_for, own, names, decoder = files.ready(network, path, device, casm)
        files.for_classifier(path, trained_for, score.classifier.name)
        return own or Stages(network, names), decoder


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
