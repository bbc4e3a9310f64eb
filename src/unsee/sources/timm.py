"""Models of timm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError, unknown
from unsee.sources._downloads import download, optional_import
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources._measured import measure
from unsee.sources._numbered import in_order
from unsee.sources._weights import complete_loads, load_weights
from unsee.sources.base import Source

__all__ = ["Timm"]

CLASSES_OF_IMAGENET = 1000
FIRST_OF_IMAGENET = ("tench", "n01440764")
"""Starts of the name of class 0 in lists of ImageNet's classes."""
LARGEST_EMBEDDING = 1280
"""Numbers that the largest image encoder of timm returns; classifiers of other data sets have
more classes."""


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
        local, published = argument.startswith("local-dir:"), self.weights == "default"
        remote = argument.startswith("hf-hub:")
        if not (local or remote or timm.is_model(argument.split(".")[0])):
            raise unknown("timm model", argument, timm.list_models())
        with download(name, local=local):
            if published and not (local or remote):  # before the weights are downloaded
                _check_classes(timm, name, argument)
            model = _make(timm, name, argument, published=published).float()
            process = _process(timm, model)
        if not model.num_classes:
            raise InputError(
                f"{name}: not a classifier; it returns features and has no classes; "
                "choose a model with a head"
            )
        if self.weights not in {"default", "none"}:
            load_weights(model, Path(self.weights))
        stated = model.pretrained_cfg
        names = stated.get("label_names") or ()
        if isinstance(names, dict):
            names = in_order(names, "label_names", name)
        if published and not names:
            weights = f"{stated.get('architecture')}.{stated.get('tag') or ''}".rstrip(".")
            _check_classes(timm, name, weights, model.num_classes)
        seen = measure(process, getattr(model, "in_chans", 3), name)
        return Classifier(
            model.eval(),
            mean=seen.mean,
            std=seen.std,
            framing=seen.framing,
            labels=_labels(tuple(names), model.num_classes),
            name=name,
        )


def _make(timm: Any, name: str, argument: str, *, published: bool) -> Any:
    """Return a model, with all its weights if they are published.

    Raises:
        InputError: The file lacks weights of the model.
    """
    with complete_loads(name) as missing:
        model = timm.create_model(argument, pretrained=published)
        if missing and model.num_classes != model.pretrained_cfg.get("num_classes"):
            # Timm leaves out the head of the file, and allows for missing weights, if
            # pretrained_cfg has another number of classes than model_args: load the file as it is.
            missing.clear()
            overlay = {"num_classes": model.num_classes}
            model = timm.create_model(argument, pretrained=True, pretrained_cfg_overlay=overlay)
    return model


def _check_classes(timm: Any, name: str, weights: str, classes: int | None = None) -> None:
    """Raise `InputError` for published weights that are those of an image encoder.

    Args:
        timm: The library.
        name: Name of the model, for the message.
        weights: Name that timm has for the weights.
        classes: Number of the model's outputs; None for that of these weights.
    """
    try:
        config = timm.get_pretrained_cfg(weights)
    except RuntimeError:  # weights that timm does not have, about which it says nothing
        return
    if config is None or classes not in {None, config.num_classes} or config.label_names:
        return
    is_of_imagenet = timm.data.infer_imagenet_subset(config.to_dict()) is not None
    if not is_of_imagenet and 0 < config.num_classes <= LARGEST_EMBEDDING:
        raise InputError(
            f"{name}: not a classifier; it returns {config.num_classes} numbers that describe a "
            "picture, as in CLIP; choose a model that was trained or fine-tuned on classes"
        )


def _labels(names: tuple[str, ...], classes: int) -> tuple[str, ...]:
    """Return the class names: those of this package for ImageNet, which have synonyms."""
    is_imagenet = not names or str(names[0]).startswith(FIRST_OF_IMAGENET)
    return imagenet_labels() if classes == CLASSES_OF_IMAGENET and is_imagenet else names


def _process(timm: Any, model: Any) -> Any:
    """Return the transform of a model's own evaluation."""
    return timm.data.create_transform(**timm.data.resolve_model_data_config(model))
