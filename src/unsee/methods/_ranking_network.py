"""Pixel rankings from the network that `unsee train distilled` trains, in one pass."""

import json
from typing import Any

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.methods._decoded import OnePassNetwork, check_classifier, decoder_stages, fitting
from unsee.networks import weights as files
from unsee.networks.head import class_weights
from unsee.networks.ranking_decoder import RankingDecoder

Ranking = Float[Tensor, "b 1 1 _g _g"]
"""One logit per cell of a grid, in the shape of a mask; higher is more important."""
METADATA = ("classifier", "stages", "channels", "classes", "width", "grid", "rows")
"""Keys that the metadata of a file of weights must have."""
PUBLISHED = files.Published("distilled.safetensors", "unsee train distilled", "yours")
UNTRAINED_CLASSES = 1000
"""Number of classes of a network with random weights."""


def initial_ranking(score: MaskedScore, weights: str, setting: str = "warm_start") -> Ranking:
    """Return the network's ranking of each image for its target, in one forward pass each.

    Args:
        score: Images, targets and classifier.
        weights: Path or name of a file of weights; "random" takes an untrained network.
        setting: Setting that names the weights, for error messages.

    Raises:
        InputError: The classifier is a black box, or the weights are missing or for another
            classifier.
    """
    return ranking_network(score, weights, setting).of_score(score)[:, None, None]


def ranking_network(score: MaskedScore, weights: str, setting: str) -> OnePassNetwork:
    """Return the classifier and the decoder, whose result is the ranking (n, g, g).

    Raises as `initial_ranking` does.
    """
    layers, decoder = _load(score, weights, setting)
    return OnePassNetwork(
        score.classifier, layers, decoder,
        lambda maps, _, targets: decoder(maps, targets)[:, 0], has_target=True,
    )  # fmt: skip


def _load(score: MaskedScore, weights: str, setting: str) -> tuple[list[str], RankingDecoder]:
    """Return the names of the layers that the decoder reads, and the decoder."""
    network, device = score.classifier.require_network(setting), score.images.device
    if weights == files.RANDOM:
        layers, channels = decoder_stages(score)
        untrained: Any = files.untrained(RankingDecoder, channels, UNTRAINED_CLASSES)
        return layers, untrained.to(device)
    path = files.find(weights, PUBLISHED)

    def distilled() -> tuple[dict[str, str], list[str], RankingDecoder]:
        metadata, tensors = files.load_trained(path, METADATA, "ranking network")
        classes = int(metadata["classes"])
        with fitting(score, path, metadata, "distilled"):
            rows = class_weights(network, classes) if metadata["rows"] == "True" else None
            decoder = RankingDecoder(
                json.loads(metadata["channels"]),
                classes,
                int(metadata["width"]),
                int(metadata["grid"]),
                rows,
            )
            files.load_into(decoder, tensors, path)
        return metadata, json.loads(metadata["stages"]), decoder.to(device)

    metadata, layers, decoder = files.cached(network, path, device, distilled)
    check_classifier(path, metadata, score.classifier)
    return layers, decoder
