"""Classifiers without gradients: functions from images to probabilities, and ONNX files."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from unsee.classifiers.checks import check_mode
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import OutputsName
from unsee.classifiers.passes import as_numbers
from unsee.errors import InputError, as_input_error, is_out_of_memory, shown, unknown
from unsee.errors import reason as reason_of
from unsee.sources._custom import CustomModel, import_object
from unsee.sources._onnx import open_classifier

__all__ = ["BlackBox"]

INDEX_BYTES = 4
"""Size of the smallest integers that are taken for numbers of classes, as argmax returns them."""


@dataclass(frozen=True)
class BlackBox(CustomModel):
    """Any function images -> probabilities (module:function, or an ONNX file); no gradients.

    The function gets a NumPy array (n, c, h, w) of float32 pixels, normalised with `mean` and
    `std` (by default not at all: pixels in [0, 1]), and returns an array (n, classes).
    """

    argument: ClassVar[str] = "MODULE:FUNCTION or MODEL.onnx"

    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Mean of each channel, for pixels in [0, 1]; subtracted from the image."""
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    """Standard deviation of each channel, for pixels in [0, 1]; divides the centred image."""
    outputs: OutputsName = "probabilities"
    """Kind of the function's outputs: `probabilities` (rows that sum to 1), `logits`, or another of
    `Classifier.outputs`. An ONNX file usually returns logits."""
    tensors: bool = False
    """Whether the function takes torch tensors (n, c, h, w) in place of NumPy arrays."""

    def load(self, argument: str) -> Classifier:
        """Open the ONNX file or import the function."""
        if Path(argument).suffix == ".onnx":
            return self._from_onnx(Path(argument))
        function = import_object(argument)
        if not callable(function):
            kind = type(function).__name__
            raise InputError(f"{argument}: expected a function of images, got {kind}")
        return self.wrap(function, f"blackbox:{argument}")

    def _from_onnx(self, path: Path) -> Classifier:
        function, size = open_classifier(path, len(self.mean))
        classifier = replace(self, tensors=False).wrap(function, f"blackbox:{path}")
        framing = classifier.framing
        return replace(classifier, framing=replace(framing, size=size or framing.size))

    def wrap(self, function: Callable[[Any], Any], name: str = "") -> Classifier:
        """Return a classifier that calls a function of normalised images (n, c, h, w)."""

        check_mode(function)

        def numbers(images: Tensor) -> Tensor:
            check_mode(function)
            output = _as_tensor(self._call(function, images.contiguous()))
            return as_numbers(output, len(images)).detach().to(images.device)

        return Classifier(numbers, name=name, differentiable=False, **self.classifier_arguments())

    def _call(self, function: Callable[[Any], Any], images: Tensor) -> Any:
        if self.tensors:
            return function(images)
        failed = f"the black box failed on a NumPy array {tuple(images.shape)}"
        with as_input_error(failed):
            try:
                return function(images.cpu().numpy())
            except RuntimeError as error:
                if is_out_of_memory(error):  # a smaller batch may fit
                    raise MemoryError(reason_of(error)) from error
                raise
            except (TypeError, AttributeError) as error:  # what torch raises for an array
                reason = reason_of(error).partition(", but expected")[0]
                raise InputError(
                    f"{failed}: {reason}; if it expects torch tensors, set tensors=True"
                ) from error


def _as_tensor(output: Any) -> Tensor:
    """Return the result of a function as a tensor; raise `InputError` unless it is numbers."""
    if isinstance(output, Tensor):
        return output
    with as_input_error("expected an array of numbers (n, classes) from the black box"):
        array = np.asarray(output)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"got {shown(output)}")
        is_single = array.ndim < 2 or array.shape[-1] == 1
        is_class = array.dtype.kind != "f" and (is_single or array.dtype.itemsize >= INDEX_BYTES)
        return torch.as_tensor(array.astype(np.int64 if is_class else np.float32))


def black_box(
    function: Callable[[Any], Any],
    name: str | None = None,
    size: tuple[int, int] = (224, 224),
    **settings: Any,
) -> Classifier:
    """Wrap a function that maps images to class probabilities as a classifier without gradients.

    A model that takes and returns NumPy arrays, here one of scikit-learn on grey pictures:

        unsee.black_box(
            lambda images: model.predict_proba(images.reshape(len(images), -1)),
            size=(28, 28), mean=(0.0,), std=(1.0,), data_mean=(0.13,), data_std=(0.31,),
        )

    A torch model that returns logits, with the normalisation of ImageNet:

        unsee.black_box(
            model, tensors=True, outputs="logits",
            mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),
        )

    Args:
        function: Function of a NumPy array (n, c, h, w), or of a torch tensor of the same shape
            with `tensors=True`. It returns probabilities (n, classes), or logits with
            `outputs="logits"`.
        name: Name in reports; default: the name of the function.
        size: Height and width of the function's input.
        **settings: Settings of the source `blackbox`: mean, std, data_mean, data_std, share,
            labels, outputs, tensors. Without `mean` and `std` the function gets pixels in [0, 1];
            their number is the number of channels. `data_mean` is the mean colour of the data,
            which replaces removed pixels: by default `mean`; if that is 0, ImageNet's, and 0.5 for
            other than three channels.

    Raises:
        InputError: A setting is unknown. Later, when the classifier is used: the function fails on
            an array, or returns something other than probabilities.
    """
    choices = [field.name for field in fields(BlackBox)]
    for setting in settings:
        if setting not in choices:
            raise unknown("setting of black_box", setting, [*choices, "size", "name"])
    if not callable(function):
        raise InputError(f"expected a function, got {type(function).__name__}")
    label = name or str(getattr(function, "__name__", "blackbox"))
    classifier = BlackBox(**settings).wrap(function, label)
    return replace(classifier, framing=replace(classifier.framing, size=size))
