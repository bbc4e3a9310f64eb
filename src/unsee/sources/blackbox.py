"""A classifier of which nothing is known but its answers."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.sources._own import OwnModel, imported

__all__ = ["BlackBox"]


@dataclass(frozen=True)
class BlackBox(OwnModel):
    """Any function images -> probabilities (module:function, or an ONNX file); no gradients."""

    argument: ClassVar[str] = "MODULE:FUNCTION or MODEL.onnx"

    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Subtracted from each channel, pixels in [0, 1]; as many numbers as channels."""
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    """By which each channel is divided."""
    outputs: Literal["probabilities", "logits"] = "probabilities"
    """What the function answers."""
    tensors: bool = False
    """The function is called with torch tensors instead of numpy arrays, both (n, c, h, w)."""

    def load(self, argument: str) -> Classifier:
        """Open the ONNX file or import the function."""
        if Path(argument).suffix == ".onnx":
            return replace(self, tensors=False).wrap(_onnx(Path(argument)), f"blackbox:{argument}")
        return self.wrap(imported(argument), f"blackbox:{argument}")

    def wrap(self, function: Callable[[Any], Any], name: str = "") -> Classifier:
        """A function of normalised images (n, c, h, w) as a classifier."""

        def logits(images: Tensor) -> Tensor:
            asked: Any = images.contiguous()
            answer = function(asked if self.tensors else asked.cpu().numpy())
            answer = (
                torch.as_tensor(np.asarray(answer)) if not isinstance(answer, Tensor) else answer
            )
            answer = answer.detach().to(images.device, torch.float32)
            return answer if self.outputs == "logits" else _log(answer)

        return Classifier(logits, name=name, differentiable=False, **self.feeding())


def black_box(
    function: Callable[[Any], Any],
    name: str = "",
    size: tuple[int, int] = (224, 224),
    **settings: Any,
) -> Classifier:
    """Wrap a function images (n, c, h, w) in [0, 1] -> probabilities (n, classes).

    `size` is the height and width of its input; `settings` are those of the source `blackbox`:
    mean, std, share, labels, outputs, tensors.
    """
    known = [field.name for field in fields(BlackBox)]
    for setting in settings:
        if setting not in known:
            raise InputError(f"no setting {setting!r} of a black box; there are {', '.join(known)}")
    found = BlackBox(**settings).wrap(function, name or getattr(function, "__name__", "blackbox"))
    return replace(found, framing=replace(found.framing, size=size))


def _log(probabilities: Tensor) -> Tensor:
    """Logits whose softmax gives the probabilities back."""
    off = (probabilities.sum(-1) - 1).abs().max().item() if probabilities.ndim == 2 else 0.0
    if not (probabilities.min().item() >= 0 and off < 1e-2):
        raise InputError(
            "expected probabilities (each row >= 0, sum 1) from the black box; "
            "for anything else set outputs = logits"
        )
    return probabilities.clamp(min=1e-12).log()


def _onnx(path: Path) -> Callable[[Any], Any]:
    """An ONNX model's first output as a function of its only input; any batch size will do."""
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "ONNX files need onnxruntime; python -m pip install onnxruntime"
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
    fixed = entry.shape[0] if isinstance(entry.shape[0], int) else 0

    def run(images: Any) -> Any:
        parts = []
        for start in range(0, len(images), fixed or len(images)):
            part = images[start : start + (fixed or len(images))]
            missing = max(fixed - len(part), 0)
            full = np.concatenate([part, np.repeat(part[:1], missing, 0)]) if missing else part
            parts.append(session.run(None, {entry.name: full})[0][: len(part)])
        return np.concatenate(parts)

    return run
