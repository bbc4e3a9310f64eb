"""Models of torchvision."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import unknown
from unsee.sources._downloads import download, optional_import
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources._measured import measure
from unsee.sources._weights import load_weights
from unsee.sources.base import Source

__all__ = ["Torchvision"]


@dataclass(frozen=True)
class Torchvision(Source):
    """Any classifier of torchvision, with its preprocessing and labels (requires torchvision)."""

    argument: ClassVar[str] = "NAME"

    weights: str = "default"
    """Weights: `default` (published; downloaded once), `none` (random), or the path of a file."""

    def load(self, argument: str) -> Classifier:
        """Make the model, load its weights and wrap it."""
        with optional_import("torchvision"):
            from torchvision import models
        names = models.list_models(module=models)
        if argument not in names:
            raise unknown("torchvision classifier", argument, names)
        published = models.get_model_weights(argument).DEFAULT
        with download(f"torchvision:{argument}"):
            model = models.get_model(
                argument, weights=published if self.weights == "default" else None
            )
        if self.weights not in {"default", "none"}:
            load_weights(model, self.weights)
            if hasattr(model, "transform_input"):  # of Inception: its weights were ported with it
                model.transform_input = True
        seen = measure(published.transforms(), 3, f"torchvision:{argument}")
        return Classifier(
            model.eval(),
            mean=seen.mean,
            std=seen.std,
            framing=seen.framing,
            labels=_labels(published.meta["categories"]),
            name=f"torchvision:{argument}",
        )


def _labels(categories: list[str]) -> tuple[str, ...]:
    """Return the class names: for ImageNet those of this package, which have synonyms."""
    return imagenet_labels() if len(categories) == 1000 else tuple(categories)
