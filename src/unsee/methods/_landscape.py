"""A trained landscape in one pass: a method of its own, and where `tide` may begin."""

import json
from typing import Any

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.methods._decoded import decoded, module_of, stages_of
from unsee.networks import weights as files
from unsee.networks.head import rows_of
from unsee.networks.landscape_decoder import LandscapeDecoder
from unsee.networks.stages import Stages

Hills = Float[Tensor, "b 1 1 _g _g"]
"""A landscape as masks have it: higher is more important."""
NEEDED = ("classifier", "stages", "channels", "classes", "width", "grid", "rows")
PUBLISHED = files.Published("distilled.safetensors", "unsee train distilled", "yours")


def landscape(
    score: MaskedScore, weights: str, flag: str = "weights=PATH"
) -> Float[Tensor, "b 1 _g _g"]:
    """Heights for each image and its target; one forward pass."""
    reader, decoder = _networks(score, weights, flag)
    return decoded(score, reader, lambda features, _, targets: decoder(features, targets))


def _networks(score: MaskedScore, weights: str, flag: str) -> tuple[Stages, LandscapeDecoder]:
    """What reads the feature maps, and what makes a landscape of them."""
    network, device = module_of(score, flag), score.images.device
    if weights == files.RANDOM:
        reader, channels = stages_of(score)
        made: Any = files.untrained(LandscapeDecoder, channels, 1000)
        return reader, made.to(device)
    path = files.find(weights, PUBLISHED, flag)

    def landscape() -> tuple[str, list[str], LandscapeDecoder]:
        about, tensors = files.described(path, NEEDED, "landscape decoder")
        classes = int(about["classes"])
        rows = rows_of(network, classes) if about["rows"] == "True" else None
        decoder = LandscapeDecoder(
            json.loads(about["channels"]), classes, int(about["width"]), int(about["grid"]), rows
        )
        files.fit(decoder, tensors, path)
        return about["classifier"], json.loads(about["stages"]), decoder.to(device)

    trained_for, names, decoder = files.ready(network, path, device, landscape)
    files.for_classifier(path, trained_for, score.classifier.name)
    return Stages(network, names), decoder
