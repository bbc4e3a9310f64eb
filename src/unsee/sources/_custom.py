"""Settings of models that do not come with their preprocessing."""

import importlib
import sys
from abc import ABC
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import with_synonyms
from unsee.classifiers.normalisation import ASSUMED_MEAN, ASSUMED_STD
from unsee.classifiers.outputs import OutputsName
from unsee.errors import InputError, as_input_error
from unsee.images.framing import Framing
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources.base import Source
from unsee.storage.files import read_text


@dataclass(frozen=True)
class CustomModel(Source, ABC):
    """A model whose normalisation, crop and labels are settings."""

    mean: tuple[float, ...] | None = None
    """Mean of each channel, for pixels in [0, 1]; subtracted from the image. Default: the model's
    own if it comes with one, otherwise ImageNet's."""
    std: tuple[float, ...] | None = None
    """Standard deviation of each channel, for pixels in [0, 1]; divides the centred image.
    Default: as for `mean`."""
    data_mean: tuple[float, ...] | None = None
    """Mean colour of the data, which is the in-filler `grey` and the background of measures.
    Default: `mean`; if that is 0, ImageNet's, and 0.5 for other than three channels."""
    data_std: tuple[float, ...] | None = None
    """Standard deviation of the data, the unit of noise. Default: `std`; if `mean` is 0,
    ImageNet's, and 0.25 for other than three channels."""
    share: float | None = None
    """Side of the centre crop, as a share of the largest crop that fits into the photo. Default:
    the model's own if it comes with one; otherwise 1, but 0.875 for an input of 224 x 224 pixels
    and photos of other sizes."""
    labels: str | None = None
    """Text file with one class name per line, or `imagenet`; default: classes have no names."""
    outputs: OutputsName = "auto"
    """Kind of the model's outputs; `auto` determines it at the first pass."""

    def classifier_arguments(self) -> dict[str, Any]:
        """Return the settings as keyword arguments of `Classifier`."""
        return {
            "mean": ASSUMED_MEAN if self.mean is None else self.mean,
            "std": ASSUMED_STD if self.std is None else self.std,
            "data_mean": () if self.data_mean is None else self.data_mean,
            "data_std": () if self.data_std is None else self.data_std,
            "framing": Framing(share=self.share),
            "labels": read_labels(self.labels),
            "outputs": self.outputs,
        }

    def applied_to(self, classifier: Classifier) -> Classifier:
        """Return a classifier that has settings of its own, with those that are set here.

        Raises:
            InputError: The classifier does not have a setting.
        """
        changes = self._statistics()
        if self.share is not None:
            if classifier.framing.fit == "resize":
                raise InputError(
                    f"share={self.share:.6g} has no effect: {classifier.name or 'the classifier'} "
                    "takes the whole photo; omit share, or set fit=crop"
                )
            changes["framing"] = replace(classifier.framing, share=self.share)
        if self.labels is not None:
            changes["labels"] = read_labels(self.labels)
        if self.outputs != "auto":
            changes["outputs"] = self.outputs
        return replace(classifier, **changes) if changes else classifier

    def _statistics(self) -> dict[str, Any]:
        """Return the statistics that are set; those of the data follow a `mean` or `std`."""
        values = {name: getattr(self, name) for name in ("mean", "std", "data_mean", "data_std")}
        stated = {name: value for name, value in values.items() if value is not None}
        return {f"data_{name}": () for name in ("mean", "std") if name in stated} | stated


def read_labels(path: str | None) -> tuple[str, ...]:
    """Return the class names of a text file (one per line), or of ImageNet for `imagenet`."""
    if not path:
        return ()
    if path == "imagenet":
        return imagenet_labels()
    text = read_text(path, "file with one class name per line (or `imagenet`)")
    names = [line.strip() for line in text.rstrip().splitlines()]
    if not names:
        raise InputError(f"{path}: holds no class names; expected one per line")
    if "" in names:
        raise InputError(
            f"{path}: line {names.index('') + 1} is blank, but each line is the name of a class; "
            "remove it, or write a name"
        )
    return with_synonyms(names)


def import_object(path: str) -> Any:
    """Import the object `package.module:name`; the working directory is searched as well.

    Raises:
        InputError: The module cannot be imported, or has no such attribute.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise InputError(f"expected package.module:name, got {path!r}")
    directory = str(Path.cwd())
    sys.path.insert(0, directory)
    try:
        with as_input_error(f"{path}: cannot import {module}"):
            imported = importlib.import_module(module)
    finally:
        with suppress(ValueError):  # the module has removed it
            sys.path.remove(directory)
    if not hasattr(imported, name):
        raise InputError(f"{path}: {module} has no attribute {name}")
    return getattr(imported, name)


def call(path: str) -> Any:
    """Import a function and return what it returns.

    Raises:
        InputError: It is no function, fails, or ends the program.
    """
    function = import_object(path)
    if not callable(function):
        kind = type(function).__name__
        raise InputError(f"{path}: expected a function without arguments, got {kind}")
    with as_input_error(f"{path} failed"):
        return function()
