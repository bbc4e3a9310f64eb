"""The three EfficientNet-Lite classifiers."""

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.normalisation import IMAGENET_MEAN, IMAGENET_STD
from unsee.images.framing import Framing
from unsee.networks import efficientnet_lite
from unsee.sources._imagenet import labels

CROP_BORDER = 32
"""Pixels by which the shorter side of a resized image exceeds the crop."""


def classifier(variant: int, side: int) -> Classifier:
    """Return EfficientNet-Lite 0, 1 or 2 with its published preprocessing.

    Images of `side` pixels are cropped from a shorter side of `side + 32` and normalised as
    (x - 127) / 128 of 8-bit values.
    """
    return Classifier(
        efficientnet_lite.load(variant),
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        data_mean=IMAGENET_MEAN,
        data_std=IMAGENET_STD,
        framing=Framing((side, side), share=side / (side + CROP_BORDER)),
        labels=labels(),
        name=f"efficientnet_lite{variant}",
    )
