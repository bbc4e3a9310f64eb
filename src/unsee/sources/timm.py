"""Models of timm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError, unknown
from unsee.sources._downloads import download, optional_import
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources._measured import measure
from unsee.sources._weights import load_weights
from unsee.sources.base import Source

__all__ = ["Timm"]

CLASSES_OF_IMAGENET = 1000
FIRST_OF_IMAGENET = ("tench", "n01440764")
"""Starts of the name of class 0 in lists of ImageNet's classes."""


@dataclass(frozen=True)
class Timm(Source):
    """Any classifier of timm, with its own preprocessing and labels (requires timm)."""

    argument: ClassVar[str] = "NAME"

    weights: str = "default"
    """Weights: `default` (published; downloaded once), `none` (random), or the path of a file."""

    def load(self, argument: str) -> Classifier:
        """Make the model, load its weights and wrap it."""
        with optional_import("timm"):
            import timm
        name = f"timm:{argument}"
        local = argument.startswith("local-dir:")
        if not (local or argument.startswith("hf-hub:") or timm.is_model(argument.split(".")[0])):
            raise unknown("timm model", argument, timm.list_models())
        with download(name, local=local):
            model = timm.create_model(argument, pretrained=self.weights == "default").float()
            process = _process(timm, model)
        if not model.num_classes:
            raise InputError(
                f"{name}: not a classifier; it returns features and has no classes; "
                "choose a model with a head"
            )
        if self.weights not in {"default", "none"}:
            load_weights(model, Path(self.weights))
        seen = measure(process, getattr(model, "in_chans", 3), name)
        names = model.pretrained_cfg.get("label_names") or ()
        return Classifier(
            model.eval(),
            mean=seen.mean,
            std=seen.std,
            framing=seen.framing,
            labels=_labels(tuple(names), model.num_classes),
            name=name,
        )


def _labels(names: tuple[str, ...], classes: int) -> tuple[str, ...]:
    """Return the class names: those of this package for ImageNet, which have synonyms."""
    is_imagenet = not names or names[0].startswith(FIRST_OF_IMAGENET)
    return imagenet_labels() if classes == CLASSES_OF_IMAGENET and is_imagenet else names


def _process(timm: Any, model: Any) -> Any:
    """Return the transform of a model's own evaluation."""
    return timm.data.create_transform(**timm.data.resolve_model_data_config(model))
