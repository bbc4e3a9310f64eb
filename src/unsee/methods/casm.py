"""CASM: a trained decoder that masks the evidence for any class in one pass."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.masking.score import MaskedScore
from unsee.methods._decoded import OnePassNetwork, check_classifier, decoder_stages, fitting
from unsee.methods._one_pass import OnePassMethod
from unsee.methods.base import Progress, Traits, fixed_maps
from unsee.networks import weights as files
from unsee.networks.mask_decoder import MaskDecoder

__all__ = ["CASM"]

METADATA = ("classifier", "stages", "channels", "width", "shared")
"""Keys that the metadata of a file of weights must have."""
PUBLISHED = files.Published("casm.safetensors", "unsee train casm", "yours")


@dataclass(frozen=True)
class CASM(OnePassMethod):
    """Classifier-agnostic saliency map (Zolna, Geras & Cho, 2018).

    A decoder turns feature maps f_1, f_2, ... into a mask in one forward pass, the map

        m = up(sigmoid(conv3x3(f_1, up(conv1x1(f_2)), up(conv1x1(f_3)), ...))).

    The feature maps are those of the classifier, or of the network that was trained together with
    the decoder. The map shows the evidence for any class: it does not depend on the target.

    `unsee train casm` trains the weights. With x_m, the image x in which m is hidden, the decoder
    minimises

        E[right(x) (-entropy(q(x_m)) + area fooled(x_m) mean(m))],

    where q is the classifier that masks must deceive: the latest one or a snapshot of it. `right`
    is 1 where the latest one recognises x, `fooled` where q does not recognise x_m. The objective
    `classification` has log q(class | x_m) in place of minus the entropy. In turn, the classifier
    minimises its cross-entropy for x and for x_m.

    Reference: K. Zolna, K. J. Geras, K. Cho, "Classifier-agnostic saliency map extraction", 2018,
    https://arxiv.org/abs/1805.08249, equations 5 to 8.

    Departures from the paper:
        - As in the published code, f_1 enters the decoder as it is, and the weights of the area are
          those of the code.
        - Classes are those that the original classifier predicts, unless `--labels data` is given.
        - The classifier's loss is the mean over x and x_m, half of the paper's sum
          (`--classifier-loss sum`).
    """

    traits = Traits(needs_module=True, needs_weights=True)

    weights: str = ""
    """Path or name of weights trained for this classifier; by default those of the package."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the maps after one forward pass for each image."""
        yield Progress(1, 1, fixed_maps(self.network(score).of_score(score)))

    def network(self, score: MaskedScore) -> OnePassNetwork:
        """Return the classifier and the decoder, whose result has the size of the images."""
        classifier, layers, decoder = self._load(score)
        size = (score.images.shape[-2], score.images.shape[-1])
        return OnePassNetwork(
            classifier, layers, decoder, lambda maps, *_: decoder(maps, size)[:, 0]
        )

    def _load(self, score: MaskedScore) -> tuple[Classifier, list[str], MaskDecoder]:
        """Return the classifier and the names of the layers to read, and the decoder."""
        network, device = score.classifier.require_network("casm"), score.images.device
        if self.weights == files.RANDOM:
            layers, channels = decoder_stages(score)
            untrained: Any = files.untrained(MaskDecoder, channels)
            return score.classifier, layers, untrained.to(device)
        path = files.find(self.weights, PUBLISHED)

        def casm() -> tuple[dict[str, str], nn.Module | None, list[str], MaskDecoder]:
            metadata, tensors = files.load_trained(path, METADATA, "mask decoder")
            layers, trained = json.loads(metadata["stages"]), None
            with fitting(score, path, metadata, "casm"):
                decoder = MaskDecoder(json.loads(metadata["channels"]), int(metadata["width"]))
                files.load_into(decoder, _part(tensors, "decoder."), path)
                if metadata["shared"] == "True":
                    trained = copy.deepcopy(network)
                    files.load_into(trained, _part(tensors, "network."), path)
                    trained = trained.to(device)
            return metadata, trained, layers, decoder.to(device)

        metadata, trained, layers, decoder = files.cached(network, path, device, casm)
        check_classifier(path, metadata, score.classifier)
        classifier = score.classifier
        if trained is not None:
            classifier = replace(classifier, model=trained)
        return classifier, layers, decoder


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names have a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
