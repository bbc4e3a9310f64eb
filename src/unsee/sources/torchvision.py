"""Models of torchvision."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError, unknown
from unsee.images.framing import Framing
from unsee.sources import _weights
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources.base import Source

__all__ = ["Torchvision"]


@dataclass(frozen=True)
class Torchvision(Source):
    """Any classifier of torchvision, with its own preprocessing and labels (extra: ecosystem)."""

    argument: ClassVar[str] = "NAME"

    weights: str = "default"
    """`default` (published, downloaded once), `none` (random) or a file of weights."""

    def load(self, argument: str) -> Classifier:
        """Build, fill, wrap."""
        with _weights.needed("torchvision"):
            from torchvision import models
        if argument not in models.list_models(module=models):
            raise unknown("classifier of torchvision", argument, models.list_models(module=models))
        published = models.get_model_weights(argument).DEFAULT
        with _weights.downloading(f"torchvision:{argument}"):
            model = models.get_model(
                argument, weights=published if self.weights == "default" else None
            )
        if self.weights not in {"default", "none"}:
            _weights.fill(model, self.weights)
        seen = published.transforms()
        (side,) = seen.crop_size
        if model.__class__.__module__.startswith("torchvision.models.detection"):
            raise InputError(f"torchvision:{argument} is a detector, not a classifier")
        return Classifier(
            model.eval(),
            mean=tuple(seen.mean),
            std=tuple(seen.std),
            framing=Framing(
                (side, side),
                share=side / seen.resize_size[0],
                interpolation=_weights.interpolation(seen.interpolation.value),
            ),
            labels=self._labels(published.meta["categories"], model),
            name=f"torchvision:{argument}",
        )

    def _labels(self, categories: list[str], model: object) -> tuple[str, ...]:
        """The weights' own names; for ImageNet ours, which are the same classes with synonyms."""
        return imagenet_labels() if len(categories) == 1000 else tuple(categories)
