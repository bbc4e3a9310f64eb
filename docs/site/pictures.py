"""Draw the map of each method for one photo, and count the passes of its default settings.

    python -m docs.site.pictures                   # all methods
    python -m docs.site.pictures tide rise         # these methods

Pictures are of EfficientNet-Lite0 and its predicted class, with `budget="fast"` (300 passes;
methods of fixed cost keep theirs). Passes of methods that take a budget are counted on a network of
one layer, since they depend on the settings alone. All methods need Captum and grad-cam
(`make test-ecosystem` installs both).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from docs.site.links import DOCS
from docs.site.parts import PASSES, PICTURES
from PIL import Image
from torch import Tensor, nn

import unsee
from unsee.images.drawing import overlay, to_pixels

PHOTO = DOCS.parent / "src" / "unsee" / "studio" / "photos" / "coffee.jpg"
"""A photo without conditions on its use, whose class has a high probability."""
GAP = 8
"""Pixels between the photo and the map."""
QUALITIES = (80, 60, 40)
"""Qualities of the JPEG files; the first one that gives a small file is taken."""
MAX_BYTES = 25_000
"""Largest size of a file."""


def main() -> int:
    """Write a picture for each method and `passes.json`; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", help="names of methods; default: all")
    names = parser.parse_args().methods or unsee.available("methods")
    PICTURES.mkdir(exist_ok=True)
    status = 0
    for name in names:
        try:
            write(name)
        except unsee.InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
    return status


def write(name: str) -> None:
    """Write the picture and the passes of a method."""
    classifier = unsee.load()
    explanation = unsee.explain(classifier, PHOTO, name, budget="fast")
    image, saliency = explanation.images[0], explanation.saliency[0]
    gap = np.full((image.shape[-2], GAP, 3), 255, np.uint8)
    pixels = np.concatenate([to_pixels(image), gap, overlay(image, saliency)], axis=1)
    save(Image.fromarray(pixels), PICTURES / f"{name}.jpg")
    plain = explanation.provenance["method"]
    default = unsee.Study.of(classifier, PHOTO, name).method
    if all(plain[key] == getattr(default, key) for key in plain if key != "name"):
        cost = explanation.provenance["cost"]
    else:
        cost = default_cost(name, getattr(default, "steps", 0))
    print(f"{name}: {explanation.provenance['cost']}, by default {cost}", flush=True)
    searches = getattr(default, "optimizer", None) == "line_search"
    record(name, (None if searches else cost["forwards"], cost["backwards"]))


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as a JPEG file of at most `MAX_BYTES`, if the lowest quality allows it."""
    for quality in QUALITIES:
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= MAX_BYTES:
            return


def default_cost(name: str, steps: int) -> dict[str, int]:
    """Count the passes of a method's default settings on a network of one layer.

    Each step costs the same, so that two of them suffice.
    """
    if not steps:
        return one_layer_cost(name)
    first, second = one_layer_cost(name, steps=1), one_layer_cost(name, steps=2)
    return {key: first[key] + (steps - 1) * (second[key] - first[key]) for key in first}


def one_layer_cost(name: str, **settings: int) -> dict[str, int]:
    """Count the passes of a method on a network of one layer."""
    study = unsee.Study.of(one_layer(), PHOTO, name, **settings)
    study.accepts_constant = True
    cost = study.finish().provenance["cost"]
    return {key: cost[key] for key in ("forwards", "backwards")}


class OneLayer(nn.Module):
    """A network of one convolution and a linear head, which takes little time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Conv2d(3, 8, 32, 32)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of five classes."""
        return self.head(self.features(x).relu().mean((2, 3)))


def one_layer() -> unsee.Classifier:
    """Return a classifier with the input of EfficientNet-Lite0."""
    return unsee.Classifier(OneLayer().eval(), framing=unsee.Framing((224, 224)))


def record(name: str, passes: Sequence[int | None]) -> None:
    """Write the passes of a method beside those of the others."""
    counts = json.loads(PASSES.read_text(encoding="utf-8")) if PASSES.exists() else {}
    counts[name] = passes
    rows = ",\n".join(f' "{key}": {json.dumps(counts[key])}' for key in sorted(counts))
    PASSES.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
