"""Image classifiers of transformers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import with_synonyms
from unsee.classifiers.outputs import OutputsName
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.sources._downloads import download, optional_import
from unsee.sources._preprocessing import closest_interpolation
from unsee.sources.base import Source

__all__ = ["Transformers"]

PIL_BICUBIC = 3
"""Number of Pillow's bicubic filter in the configuration of image processors."""

OUTPUTS: dict[str | None, OutputsName] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "regression",
}
"""Kinds of outputs by the problem that a configuration names."""


@dataclass(frozen=True)
class Transformers(Source):
    """An image classifier of transformers, by hub name or folder (requires transformers)."""

    argument: ClassVar[str] = "NAME_OR_FOLDER"

    outputs: OutputsName = "auto"
    """Kind of the model's outputs; `auto` takes the `problem_type` of its configuration, or logits
    of classes without one."""

    def load(self, argument: str) -> Classifier:
        """Load the model, its image processor and its labels."""
        with optional_import("transformers"):
            from transformers import AutoImageProcessor, AutoModelForImageClassification
        with download(f"transformers:{argument}"):
            model = AutoModelForImageClassification.from_pretrained(
                argument, trust_remote_code=False
            )
            processor = AutoImageProcessor.from_pretrained(argument, trust_remote_code=False)
        names = model.config.id2label
        channels = getattr(model.config, "num_channels", 3)
        normalised = getattr(processor, "do_normalize", True)
        return Classifier(
            model.eval(),
            mean=tuple(processor.image_mean) if normalised else (0.0,) * channels,
            std=tuple(processor.image_std) if normalised else (1.0,) * channels,
            framing=_framing(processor),
            labels=with_synonyms([names[index] for index in sorted(names)]),
            outputs=_outputs(model.config, argument) if self.outputs == "auto" else self.outputs,
            name=f"transformers:{argument}",
        )


def _outputs(config: Any, argument: str) -> OutputsName:
    """Return the kind of outputs that a configuration names; raise `InputError` if unclear."""
    problem = getattr(config, "problem_type", None)
    if problem not in OUTPUTS and config.num_labels == 1:
        raise InputError(
            f"transformers:{argument}: a single output, and a configuration without problem_type; "
            "set outputs=regression or outputs=binary"
        )
    return OUTPUTS.get(problem, "softmax")


def _framing(processor: Any) -> Framing:
    """Return one crop and one resize that equal an image processor's resizing and cropping."""
    resize, crop = _sides(processor.size), _sides(getattr(processor, "crop_size", None))
    filtering = closest_interpolation("bicubic" if processor.resample == PIL_BICUBIC else "")
    if getattr(processor, "do_center_crop", False) and crop:
        return Framing(crop, share=min(1.0, min(crop) / min(resize)), interpolation=filtering)
    square_crop = "shortest_edge" in dict(processor.size)
    if square_crop:  # ConvNeXt's processor: resize to side / crop_pct, then crop to side
        share = getattr(processor, "crop_pct", None) or 1.0
        return Framing(resize, share=share, interpolation=filtering)
    return Framing(resize, fit="resize", interpolation=filtering)


def _sides(size: Any) -> tuple[int, int]:
    """Return the height and width of a size in any of the notations of image processors."""
    if not size:
        return (0, 0)
    size = dict(size)
    if "height" in size:
        return int(size["height"]), int(size["width"])
    return (int(size["shortest_edge"]),) * 2
