"""What all trainings of mask networks have in common: a classifier that they explain."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers import loading
from unsee.classifiers.classifier import Classifier
from unsee.datasets.base import parse_classes
from unsee.errors import InputError
from unsee.methods.base import check_choices
from unsee.networks.head import rows_of
from unsee.networks.stages import Stages
from unsee.training.crops import middles
from unsee.training.photos import Labelled, gathered
from unsee.training.task import Batch, Game, Training

COLOURS = 3
"""Channels of photos."""
SMALLEST = 16
"""Side of photos in which a classifier may still see something."""
TOGETHER = 64
"""Photos that are shown to the classifier at a time when classes are predicted."""


@dataclass(frozen=True)
class MaskTraining(Training):
    """Settings of every mask network's training."""

    data: tuple[str, ...] = ()
    """Folders and zip files of photos, or data sets as `unsee evaluate` takes them."""
    classifier: str = loading.DEFAULT
    """Which is explained; a torch module."""
    labels: Literal["predicted", "data"] = "predicted"
    """Classes: what the classifier says, or those of a labelled data set."""
    classes: str = ""
    """Only photos of these classes, as 0-49,120, by those labels; by default of all."""
    size: int = 0
    """Side at which photos are shown in training; 0 takes the classifier's own, smaller ones take
    less time."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.size and self.size < SMALLEST:
            raise InputError(f"expected size 0 or at least {SMALLEST}, got {self.size}")

    def size_for(self, classifier: Classifier) -> int:
        """Side of what it is shown: its input's, if no other is asked for."""
        return self.size or classifier.framing.size[0]

    def photos(self) -> Labelled:
        """With their classes, where those of the data are asked for."""
        if self.labels == "data":
            return gathered(self.data, self.keep, self.classes)
        found = super().photos()
        wanted = parse_classes(self.classes)
        if not wanted:
            return found
        given = replace(loading.load(self.classifier), chunk=TOGETHER)
        size = self.size_for(given)
        asked = (middles(part, size) for part in found.pictures.split(TOGETHER))
        said = torch.cat([given.predict(x.to(given.device)).argmax(1).cpu() for x in asked])
        mine = torch.isin(said, torch.tensor(sorted(wanted)))
        if not mine.any():
            raise InputError(
                f"no photo that {self.classifier} takes for one of classes {self.classes}"
            )
        if len(said[mine].unique()) < 2:
            raise InputError(
                f"expected photos of at least two classes, got {int(mine.sum())} photos of one"
            )
        return Labelled(found.pictures[mine], None)


class MaskGame(Game):
    """A network that makes maps for a classifier."""

    fixed: ClassVar[tuple[str, ...]] = (*Game.fixed, "classifier", "labels", "classes", "size")
    given: Classifier
    chosen: MaskTraining

    @property
    def size(self) -> int:
        """That of what the classifier is shown."""
        return self.chosen.size_for(self.given)

    def cells(self, side: int) -> int:
        """On the photos of training, for so many a side on images of the classifier's own size."""
        return max(1, round(side * self.size / self.given.framing.size[0]))

    @abstractmethod
    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """For the picture."""

    def show(self, few: Batch, path: Path) -> None:
        """Held-out photos and their maps."""
        from unsee.images.drawing import overview

        maps = self.maps(few).float().cpu()
        names = [str(number) for number in range(len(maps))]
        overview(few.pixels.cpu(), maps, names).savefig(path.with_suffix(".png"), dpi=60)


def given(chosen: MaskTraining, accelerator: Any) -> Classifier:
    """The classifier that is explained, where the training runs, its weights fixed.

    Raises `InputError` for one that does not take colours, as photos have them.
    """
    found = loading.load(chosen.classifier, device=accelerator.device)
    if found.channels != COLOURS:
        raise InputError(
            f"photos have {COLOURS} channels, but {chosen.classifier} takes {found.channels}"
        )
    if isinstance(found.model, nn.Module):
        found.model.requires_grad_(False)
    # so many at a time whatever was measured: a run goes on exactly
    together = max(1, chosen.batch // accelerator.num_processes)
    return replace(found, name=found.name or chosen.classifier, chunk=together)


def halves(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """In half precision, as weights are stored; counters stay whole."""
    return {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}


def neutral(classifier: Classifier) -> Float[Tensor, "1 c 1 1"]:
    """The data's mean colour, which hidden pixels show, as the network takes it."""
    colour = torch.tensor(classifier.data_mean, device=classifier.device)
    return classifier.normalise(colour.view(1, -1, 1, 1))


def stages_of(classifier: Classifier, what: str) -> tuple[Stages, list[int]]:
    """Where a decoder reads the classifier's feature maps, and their channels.

    Raises `InputError` for a black box, and for a network without such maps.
    """
    network = network_of(classifier, f"{what} reads feature maps; it")
    size = classifier.framing.size
    return Stages.of(network, torch.zeros(1, classifier.channels, *size, device=classifier.device))


def classes_of(classifier: Classifier) -> tuple[int, Float[Tensor, "classes d"] | None]:
    """How many there are, and a module's rows of its last layer, where it has such."""
    size = (classifier.channels, *classifier.framing.size)
    classes = classifier.predict(torch.zeros(1, *size, device=classifier.device)).shape[1]
    model: Any = classifier.model
    return classes, rows_of(model, classes)


def network_of(given: Classifier, what: str) -> nn.Module:
    """The classifier's, or a clear word where it is a function."""
    if not isinstance(given.model, nn.Module):
        raise InputError(f"{what} needs a torch module, not a black box")
    return given.model
