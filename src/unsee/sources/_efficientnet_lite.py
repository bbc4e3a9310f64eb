"""What the three embedded classifiers share."""

from unsee.classifiers.classifier import IMAGENET_MEAN, IMAGENET_STD, Classifier
from unsee.images.framing import Framing
from unsee.networks import efficientnet_lite
from unsee.sources._imagenet import labels


def classifier(variant: int, side: int) -> Classifier:
    """The network with its published preprocessing: (x - 127) / 128, crop side/(side + 32)."""
    return Classifier(
        efficientnet_lite.load(variant),
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        data_mean=IMAGENET_MEAN,
        data_std=IMAGENET_STD,
        framing=Framing((side, side), share=side / (side + 32)),
        labels=labels(),
        name=f"efficientnet_lite{variant}",
    )
