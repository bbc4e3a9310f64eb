"""Image classifiers of transformers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.images.framing import Framing
from unsee.sources import _weights
from unsee.sources.base import Source

__all__ = ["Transformers"]

BICUBIC = 3
"""Pillow's number of the filter, as image processors note it."""


@dataclass(frozen=True)
class Transformers(Source):
    """An image classifier of transformers, by hub name or folder (extra: ecosystem)."""

    argument: ClassVar[str] = "NAME_OR_FOLDER"

    def load(self, argument: str) -> Classifier:
        """Model, image processor and labels from the same place."""
        with _weights.needed("transformers"):
            from transformers import AutoImageProcessor, AutoModelForImageClassification
        with _weights.downloading(f"transformers:{argument}"):
            model = AutoModelForImageClassification.from_pretrained(argument)
            processor = AutoImageProcessor.from_pretrained(argument)
        names = model.config.id2label
        channels = getattr(model.config, "num_channels", 3)
        normalised = getattr(processor, "do_normalize", True)
        return Classifier(
            model.eval(),
            mean=tuple(processor.image_mean) if normalised else (0.0,) * channels,
            std=tuple(processor.image_std) if normalised else (1.0,) * channels,
            framing=_framing(processor),
            labels=tuple(names[index] for index in sorted(names)),
            name=f"transformers:{argument}",
        )


def _framing(processor: Any) -> Framing:
    """An image processor's resizing and cropping as one crop and one resize."""
    resize, crop = _sides(processor.size), _sides(getattr(processor, "crop_size", None))
    filtering = _weights.interpolation("bicubic" if processor.resample == BICUBIC else "")
    if getattr(processor, "do_center_crop", False) and crop:
        return Framing(crop, share=min(1.0, min(crop) / min(resize)), interpolation=filtering)
    square_crop = "shortest_edge" in dict(processor.size)
    if square_crop:  # ConvNeXt's processor: resize to side / crop_pct, then crop to side
        share = getattr(processor, "crop_pct", None) or 1.0
        return Framing(resize, share=share, interpolation=filtering)
    return Framing(resize, fit="resize", interpolation=filtering)


def _sides(size: Any) -> tuple[int, int]:
    """Height and width of a size that may be noted in any of the usual ways."""
    if not size:
        return (0, 0)
    size = dict(size)
    if "height" in size:
        return int(size["height"]), int(size["width"])
    return (int(size["shortest_edge"]),) * 2
