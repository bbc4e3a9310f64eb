"""Photos of the validation sample that several benchmarks use."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from unsee import Classifier
from unsee.inputs import as_images

SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "imagenet-val-sample.zip"
"""A zip file of photos of ImageNet's validation set with `annotations.json`."""


def recognised_photos(
    classifier: Classifier, least_probability: float, *, single_box: bool = False
) -> Iterator[tuple[str, Image.Image]]:
    """Yield the names and photos whose label the classifier predicts with a probability above this.

    With `single_box`, only photos with exactly one labelled object are used.
    """
    with zipfile.ZipFile(SAMPLE) as archive:
        for entry in json.loads(archive.read("annotations.json")):
            photo = Image.open(io.BytesIO(archive.read(f"images/{entry['file']}")))
            probabilities = classifier.predict(as_images(photo, classifier).images).softmax(1)[0]
            correct = probabilities.argmax() == entry["index"]
            if single_box and len(entry["boxes"]) != 1:
                continue
            if correct and probabilities.max() > least_probability:
                yield Path(entry["file"]).stem.removeprefix("ILSVRC2012_"), photo
