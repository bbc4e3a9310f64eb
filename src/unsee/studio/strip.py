"""Pictures and probabilities while evidence is removed or revealed, for the evidence slider."""

from dataclasses import replace
from typing import Any

import torch

from unsee.images.drawing import to_pixels
from unsee.masking import masks
from unsee.output.pages import jpeg_uri
from unsee.results.assessment import Assessment
from unsee.results.values import values_of
from unsee.studio.desk import NETWORK

POINTS = 25
"""Positions of the slider."""
DENSITY = 1.6
"""Exponent that moves positions towards small shares."""
CLASSES = 5
"""Classes whose probabilities move beside the picture."""
QUALITY = 82
"""Quality of the pictures as JPEG."""


@torch.no_grad()
def strips(result: Assessment) -> dict[str, Any]:
    """Return pictures and probabilities for each position of the slider, as values of JSON.

    Pixels are ranked by the map, and in-filled as in the pictures of the result.

    Returns:
        `classes`, the names of the classes; `quantity`, what their numbers are; for the directions
        `remove` and `reveal` the `shares` of the pixels, the `pictures` as addresses, the `values`
        of the classes at each share, and the `answers`, the most probable class at each share.
    """
    classifier = result.study.score.classifier
    study, saliency = result.study, result.study.explanation.saliency
    shares = [round((i / (POINTS - 1)) ** DENSITY, 4) for i in range(POINTS)]
    classes = result.top_classes(CLASSES)
    content: dict[str, Any] = {
        "classes": [name for _, name in classes],
        "quantity": result.quantity,
        "target": result.name,
    }
    with NETWORK, study.mode():
        score = replace(study.score, infiller=result.infiller)
        copies = score.rows(torch.zeros(POINTS, dtype=torch.long, device=saliency.device))
        order = masks.ranks(saliency)
        tops = torch.cat([masks.top_share(saliency, share, order) for share in shares])
        for name, keep in (("remove", 1 - tops), ("reveal", tops)):
            pictures = copies.pictures(keep)
            rows = values_of(classifier, pictures)
            content[name] = {
                "shares": shares,
                "pictures": [jpeg_uri(to_pixels(picture), QUALITY) for picture in pictures],
                "values": [[round(row[i].item(), 5) for i, _ in classes] for row in rows],
                "answers": [classifier.label(int(row.argmax())) for row in rows],
            }
    return content
