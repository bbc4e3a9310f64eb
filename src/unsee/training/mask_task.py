"""Base of the trainings of mask networks: shared settings, and the classifier to explain."""

from abc import abstractmethod
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers import loading
from unsee.classifiers.answers import Answers
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.passes import unwrapped
from unsee.datasets.base import parse_classes
from unsee.errors import InputError
from unsee.methods._checks import check_choices
from unsee.methods._evidence import GradientEvidence
from unsee.networks.head import class_weights
from unsee.networks.stages import FeatureExtractor
from unsee.training.crops import resize_whole
from unsee.training.photos import PhotoSet, check_classes, load_labelled
from unsee.training.task import Batch, Training, TrainingTask

PHOTO_CHANNELS = 3
"""Number of colour channels of photos."""
MIN_SIZE = 16
"""Smallest side, in pixels, of the photos that a classifier sees in training."""
PREDICTION_BATCH_SIZE = 64
"""Number of photos per forward pass when classes are predicted before the training."""
PREVIEW_DPI = 60
"""Resolution of previews in dots per inch."""


@dataclass(frozen=True)
class MaskTraining(Training):
    """Settings that the trainings of all mask networks share."""

    data: tuple[str, ...] = ()
    """Folders and zip files of photos, or data sets as `unsee evaluate` takes them."""
    classifier: str = loading.DEFAULT
    """Name of the classifier to explain. It must be a PyTorch module."""
    labels: Literal["predicted", "data"] = "predicted"
    """Source of the classes: the classifier's prediction, or the labels of the data set."""
    classes: str | None = None
    """Train only on photos of these classes, e.g. 0-49,120; default: all classes."""
    size: int | None = None
    """Side, in pixels, of the photos in training; default: the classifier's input size. Smaller
    photos take less time."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.size is not None and self.size < MIN_SIZE:
            raise InputError(f"expected size >= {MIN_SIZE}, got {self.size}")

    def size_for(self, classifier: Classifier) -> int:
        """Return the side, in pixels, of the photos in training."""
        return self.size or classifier.framing.size[0]

    def photos(self) -> PhotoSet:
        """Load all photos of the chosen classes, with labels for `labels = "data"`.

        Raises:
            InputError: If fewer than two classes remain.
        """
        if self.labels == "data":
            classifier = loading.load(self.classifier)
            return load_labelled(self.data, self.stored_size, self.classes, classifier)
        photos, classes = super().photos(), parse_classes(self.classes or "")
        return photos.select(self._predicted_in(photos, classes)) if classes else photos

    def _predicted_in(self, photos: PhotoSet, classes: Set[int]) -> Tensor:
        """Return a boolean mask of the photos whose predicted class is one of `classes`."""
        classifier = replace(loading.load(self.classifier), chunk=PREDICTION_BATCH_SIZE)
        size = self.size_for(classifier)
        batches = (resize_whole(x, size) for x in photos.pictures.split(PREDICTION_BATCH_SIZE))
        predicted = torch.cat(
            [classifier.predict(x.to(classifier.device)).argmax(1).cpu() for x in batches]
        )
        mask = torch.isin(predicted, torch.tensor(sorted(classes)))
        if not mask.any():
            raise InputError(f"{self.classifier} predicts classes {self.classes} for no photo")
        check_classes(int(mask.sum()), len(predicted[mask].unique()))
        return mask


class MaskTask(TrainingTask):
    """Training of a network that produces maps for a classifier."""

    classifier: Classifier
    config: MaskTraining

    def classifier_answers(self) -> Answers:
        """Return what the classifier says about fixed pictures."""
        return Answers.of(self.classifier)

    @property
    def size(self) -> int:
        """Side, in pixels, of the photos that the classifier sees."""
        return self.config.size_for(self.classifier)

    def grid_side(self, side: int) -> int:
        """Return the side of the maps in training, in cells.

        Args:
            side: Side of the maps at the classifier's own input size.
        """
        return max(1, round(side * self.size / self.classifier.framing.size[0]))

    @abstractmethod
    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Return the maps of a preview."""

    def draw_preview(self, batch: Batch, path: Path) -> None:
        """Draw photos next to their maps, as PNG."""
        from unsee.images.drawing import overview, save_figure

        maps = self.maps(batch).float().cpu()
        names = [str(number) for number in range(len(maps))]
        figure = overview(batch.pixels.cpu(), maps, names)
        save_figure(figure, path.with_suffix(".png"), PREVIEW_DPI)


def load_module(name: str, device: Any = None) -> Classifier:
    """Load a classifier; raise `InputError` for one whose layers cannot be copied and trained."""
    refusal = InputError(
        f"{name}: training needs a module of PyTorch, not a program; use its weights with "
        "architecture=NAME, or a function of yours that returns the module"
    )
    try:
        classifier = loading.load(name, device=device)
    except InputError as error:
        raise (refusal if "trust" in error.arguments else error) from error.__cause__
    if isinstance(classifier.model, torch.jit.ScriptModule):
        raise refusal
    return classifier


def load_classifier(config: MaskTraining, accelerator: Any) -> Classifier:
    """Load the classifier to explain on the training's device, with frozen weights.

    Raises:
        InputError: If it does not take colour images, or its outputs are not logits of classes.
    """
    classifier = load_module(config.classifier, accelerator.device)
    if classifier.channels != PHOTO_CHANNELS:
        raise InputError(
            f"photos have {PHOTO_CHANNELS} channels, but {config.classifier} expects "
            f"{classifier.channels}"
        )
    grey = torch.full((1, PHOTO_CHANNELS, *classifier.framing.size), 0.5, device=classifier.device)
    classifier.predict(grey)
    if classifier.kind is not Outputs.SOFTMAX:
        raise InputError(
            f"training needs the logits of classes that exclude each other (outputs=softmax), but "
            f"{config.classifier} has outputs={classifier.kind}"
        )
    if isinstance(classifier.model, nn.Module):
        classifier.model.requires_grad_(False)
    # a fixed batch size, not a measured one: a resumed run must repeat the same arithmetic
    chunk = max(1, config.batch // accelerator.num_processes)
    return replace(classifier, name=classifier.name or config.classifier, chunk=chunk)


def logits(network: Any, x: Tensor) -> Logits:
    """Return the logits of a network for normalised images."""
    output: Tensor = unwrapped(network(x))
    return output


def mean_colour(classifier: Classifier) -> Float[Tensor, "1 c 1 1"]:
    """Return the data's mean colour, normalised; it replaces hidden pixels."""
    colour = torch.tensor(classifier.data_mean, device=classifier.device)
    return classifier.normalise(colour.view(1, -1, 1, 1))


def feature_extractor(
    classifier: Classifier, purpose: str, gradient: bool = False
) -> tuple[FeatureExtractor, list[int]]:
    """Return an extractor of the feature maps that a decoder reads, and their channels.

    Args:
        classifier: The classifier to explain.
        purpose: Name of what reads the feature maps, for error messages.
        gradient: Whether the extractor also returns the gradient evidence of the prediction.

    Raises:
        InputError: If the classifier is a black box or has no suitable feature maps.
    """
    network = classifier.require_network(purpose)
    height, width = classifier.framing.size
    x = torch.zeros(1, classifier.channels, height, width, device=classifier.device)
    extractor, channels = FeatureExtractor.of(network, x)
    return (GradientEvidence(network, extractor.names) if gradient else extractor), channels


def read_features(extractor: FeatureExtractor, x: Tensor) -> tuple[Logits, list[Tensor]]:
    """Return the logits and the feature maps of normalised images."""
    output, features = extractor(x)
    return unwrapped(output), features


def class_count(classifier: Classifier) -> int:
    """Return the number of classes."""
    height, width = classifier.framing.size
    x = torch.zeros(1, classifier.channels, height, width, device=classifier.device)
    return classifier.predict(x).shape[1]


def output_weights(classifier: Classifier) -> Float[Tensor, "classes d"] | None:
    """Return the weights of the last layer, one row per class; None if there is no such layer."""
    model: Any = classifier.model
    return class_weights(model, class_count(classifier))


def half_precision(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convert floating-point tensors to float16, in which weights are stored."""
    return {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
