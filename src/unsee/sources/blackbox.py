"""Classifiers without gradients: functions from images to probabilities, and ONNX files."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import OutputsName
from unsee.errors import InputError, unknown
from unsee.sources._custom import CustomModel, import_object

__all__ = ["BlackBox"]


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
            return replace(self, tensors=False).wrap(_onnx(Path(argument)), f"blackbox:{argument}")
        return self.wrap(import_object(argument), f"blackbox:{argument}")

    def wrap(self, function: Callable[[Any], Any], name: str = "") -> Classifier:
        """Return a classifier that calls a function of normalised images (n, c, h, w)."""

        def numbers(images: Tensor) -> Tensor:
            output = self._call(function, images.contiguous())
            if not isinstance(output, Tensor):
                output = torch.as_tensor(np.asarray(output))
            return output.detach().to(images.device, torch.float32)

        return Classifier(numbers, name=name, differentiable=False, **self.classifier_arguments())

    def _call(self, function: Callable[[Any], Any], images: Tensor) -> Any:
        if self.tensors:
            return function(images)
        try:
            return function(images.cpu().numpy())
        except (TypeError, AttributeError) as error:  # what torch raises for an array
            reason = str(error).partition("\n")[0].partition(", but expected")[0]
            raise InputError(
                f"the black box failed on a NumPy array {tuple(images.shape)}: {reason}; "
                "if it expects torch tensors, set tensors=True"
            ) from error


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
            size=(28, 28), mean=(0.0,), std=(1.0,),
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
        **settings: Settings of the source `blackbox`: mean, std, share, labels, outputs, tensors.
            Without `mean` and `std` the function gets pixels in [0, 1]; their number is the number
            of channels.

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


def _onnx(path: Path) -> Callable[[Any], Any]:
    """Return a function that gives the first output of an ONNX model, for any batch size."""
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "ONNX files require onnxruntime; install it with: pip install onnxruntime"
        ) from error
    try:
        session = onnxruntime.InferenceSession(
            str(path), providers=onnxruntime.get_available_providers()
        )
    except Exception as error:
        raise InputError(f"{path}: not a model that onnxruntime can open ({error})") from error
    if len(session.get_inputs()) != 1:
        raise InputError(f"{path}: expected a single input, got {len(session.get_inputs())}")
    (entry,) = session.get_inputs()
    batch = entry.shape[0] if isinstance(entry.shape[0], int) else None

    def run(images: Any) -> Any:
        outputs = []
        step = batch or len(images)
        for start in range(0, len(images), step):
            part = images[start : start + step]
            missing = step - len(part) if batch else 0
            padded = np.concatenate([part, np.repeat(part[:1], missing, 0)]) if missing else part
            outputs.append(session.run(None, {entry.name: padded})[0][: len(part)])
        return np.concatenate(outputs)

    return run
