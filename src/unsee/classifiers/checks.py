"""Checks of a classifier's settings, images and scores; each raises `InputError` in one line."""

import math
import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from unsee.classifiers.passes import is_exported, is_training
from unsee.errors import InputError, is_out_of_memory, reason, shown
from unsee.images.framing import Framing
from unsee.types import Images

MAX_ROWS = 5
"""Number of images that a message lists."""
LARGEST_MEAN = 2.0
"""Largest accepted mean or deviation of a channel, whose pixels are in [0, 1]."""
GRADIENT_HINT = "rise and sliding_patch need no gradients"


class NotFiniteError(InputError):
    """The model returns NaN or infinity for an image."""


def check_model(model: object) -> None:
    """Raise `InputError` unless the model is a function, or a module in evaluation mode."""
    if not callable(model):
        raise InputError(f"expected a module or a function, got {type(model).__name__}")
    tensors = [*model.parameters(), *model.buffers()] if isinstance(model, nn.Module) else []
    if any(map(is_lazy, tensors)):
        raise InputError("the model has layers without a shape; pass it one batch of images first")
    check_mode(model)


def check_mode(model: object) -> None:
    """Raise `InputError` for a module, or a method of one, unless it is in evaluation mode."""
    module = getattr(model, "__self__", model)
    if isinstance(module, nn.Module) and is_training(module):
        hint = "call model.eval() first"
        if any(map(is_exported, module.modules())):
            hint = "its exported program has no eval(): set part.training = False for each part in "
            hint += "model.modules() first"
        raise InputError(f"the model is in training mode; {hint}")


def channel_values(name: str, values: object, *, positive: bool = False) -> tuple[float, ...]:
    """Return one number for each channel.

    Raises:
        InputError: There is none, or one is not finite or, with `positive`, not above zero.
    """
    if isinstance(values, Real) and not isinstance(values, bool):
        raise InputError(f"expected {name} with one value per channel, got {values}: ({values},)?")
    try:
        numbers = tuple(float(v) for v in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise InputError(f"expected numbers as {name}, got {shown(values)}") from error
    if not numbers:
        raise InputError(f"expected {name} with one value per channel, got none")
    if not all(math.isfinite(v) and (v > 0 or not positive) for v in numbers):
        above = " above zero" if positive else ""
        raise InputError(f"expected finite numbers{above} as {name}, got {numbers}")
    return numbers


def normalisation(
    mean: object, std: object, prefix: str = ""
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel; raise `InputError` if one is unfit."""
    means = channel_values(f"{prefix}mean", mean)
    deviations = channel_values(f"{prefix}std", std, positive=True)
    if len(means) != len(deviations):
        raise InputError(
            f"{prefix}mean has {len(means)} channels, {prefix}std has {len(deviations)}"
        )
    for name, numbers in ((f"{prefix}mean", means), (f"{prefix}std", deviations)):
        if max(map(abs, numbers)) > LARGEST_MEAN:
            raise InputError(
                f"expected {name} for pixels in [0, 1], got {numbers}; divide {prefix}mean and "
                f"{prefix}std by 255 if they are for pixels from 0 to 255"
            )
    return means, deviations


def data_statistics(
    mean: object, std: object, defaults: tuple[tuple[float, ...], tuple[float, ...]]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of the data, one value for each channel.

    Args:
        mean: Mean of each channel; None or empty for the default.
        std: Standard deviation of each channel, likewise.
        defaults: Default mean and standard deviation; their length is the number of channels.

    Raises:
        InputError: A value is unfit, or the number of channels is another one.
    """
    mean, std = (
        default if value is None or (isinstance(value, tuple | list) and not value) else value
        for value, default in zip((mean, std), defaults, strict=True)
    )
    means, deviations = normalisation(mean, std, "data_")
    if len(means) != len(defaults[0]):
        raise InputError(
            f"data_mean has {len(means)} channels, mean has {len(defaults[0])}; expected one value "
            "per channel of the input"
        )
    return means, deviations


def check_labels(labels: object) -> tuple[str, ...]:
    """Return class names as a tuple; raise `InputError` if they are something else."""
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InputError(
            f"expected labels as a sequence of names, got {type(labels).__name__} {labels!r:.40}"
        )
    for label in labels:
        if not isinstance(label, str):
            raise InputError(f"expected labels as texts, got {type(label).__name__} {label!r:.40}")
    return tuple(labels)


def checked_name(name: object) -> str:
    """Return a name as a text, also of a path; raise `InputError` for anything else."""
    if isinstance(name, os.PathLike):
        name = os.fspath(name)
    if not isinstance(name, str):
        raise InputError(f"expected name as a text, got {type(name).__name__} {shown(name)}")
    return name


def check_precision(*precisions: object) -> None:
    """Raise `InputError` for a type that a pass cannot have; None is none."""
    for precision in precisions:
        if precision not in {None, torch.float32, torch.bfloat16, torch.float16}:
            raise InputError(
                "expected precision torch.float32, torch.bfloat16 or torch.float16, got "
                f"{precision!r}"
            )


def check_framing(framing: object) -> None:
    """Raise `InputError` unless it is a `Framing`."""
    if not isinstance(framing, Framing):
        raise InputError(f"expected framing as a Framing, got {shown(framing)}")


def checked_chunk(chunk: object) -> int | None:
    """Return a number of images, or None for one that is measured.

    Raises:
        InputError: It is no whole number above zero.
    """
    if chunk is None:
        return None
    size = int(chunk) if isinstance(chunk, Integral) and not isinstance(chunk, bool) else 0
    if not 0 < size < 2**63:
        raise InputError(f"expected chunk as a whole number above zero, got {shown(chunk)}")
    return size


def check_images(images: Images, channels: int) -> None:
    """Raise `InputError` for images that a classifier with these channels cannot take."""
    if not isinstance(images, Tensor):
        raise InputError(f"expected images as a tensor, got {type(images).__name__}")
    if images.ndim != 4 or images.shape[1] != channels:
        raise InputError(
            f"expected images (b, {channels}, h, w), got {tuple(images.shape)}; "
            "the length of the classifier's mean and std is the number of channels"
        )
    if images.numel() == 0:
        raise InputError(f"expected at least one image, got {tuple(images.shape)}")
    if not images.is_floating_point():
        raise InputError(f"expected pixels in [0, 1] as floats, got {images.dtype}")
    low, high = images.min().item(), images.max().item()
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"expected pixels in [0, 1], got [{low:.3g}, {high:.3g}]; "
            "the classifier normalises them itself, with its mean and std"
        )


def check_finite(values: Tensor, images: Sequence[int] | None = None) -> None:
    """Raise an `InputError` that names the images for which a number is NaN or infinity.

    Args:
        values: Outputs or scores of the model, one row for each image.
        images: Numbers of the images of the rows; by default 0, 1, 2, ...
    """
    if values.isfinite().all():
        return
    rows = (~values.isfinite()).reshape(len(values), -1).any(1).nonzero()[:, 0].tolist()
    raise not_finite(rows if images is None else [images[row] for row in rows])


def not_finite(images: Sequence[int]) -> NotFiniteError:
    """Return an error for images, by their numbers, for which a number is NaN or infinity."""
    return NotFiniteError(
        f"the model returns NaN or infinity for {numbered(images)}; check its "
        "weights, its mean and std, and the precision"
    )


def numbered(images: Sequence[int]) -> str:
    """Return images in words, by their numbers in the batch."""
    numbers = list(dict.fromkeys(images))
    listed = ", ".join(map(str, numbers[:MAX_ROWS])) + (", ..." if numbers[MAX_ROWS:] else "")
    return f"image {listed} (the first is 0)"


def call_model(function: Callable[..., Any], inputs: Tensor) -> Any:
    """Call a function of normalised images; its errors become one line.

    An error that means that memory did not suffice passes unchanged: the batch is halved then.
    """
    try:
        return function(inputs)
    except (InputError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        raise _failure(error, tuple(inputs.shape), inputs.dtype) from error


def _failure(error: BaseException, shape: tuple[int, ...], dtype: torch.dtype) -> InputError:
    text = reason(error)
    kind = str(dtype).removeprefix("torch.")
    hint = ""
    if "channels" in text:
        hint = f"; mean and std have {shape[1]} values, one for each channel of the network"
    return InputError(
        f"the model failed on images {shape} of {kind}: {type(error).__name__}: {text}{hint}"
    )


def check_gradient(logits: Callable[[Tensor], Tensor] | None, images: Images, method: str) -> None:
    """Raise `InputError` if a model's outputs have no gradient by its images, or only zeros.

    Args:
        logits: Function from images to the outputs of the model; None for a black box.
        images: Images (b, c, h, w). Where the gradient of all is zero, noise is tried, too.
        method: Name of the method that needs the gradient.
    """
    if logits is None:
        raise InputError(
            f"{method} needs gradients, which a black box does not have; {GRADIENT_HINT}"
        )
    try:
        if any(_has_gradient(logits, row, method) for row in images.split(1)):
            return
        generator = torch.Generator().manual_seed(0)
        noise = torch.rand(images[:1].shape, generator=generator, dtype=torch.float32)
        if _has_gradient(logits, noise.to(images), method):
            return
    except RuntimeError as error:
        if is_out_of_memory(error):  # reported by the passes of the method
            return
        raise InputError(
            f"{method} needs gradients, and those of this model cannot be computed "
            f"({reason(error)}); {GRADIENT_HINT}"
        ) from error
    raise InputError(
        f"{method} needs gradients, and those of this model are zero everywhere (a quantised "
        f"network, or outputs that are rounded?); {GRADIENT_HINT}"
    )


def _has_gradient(logits: Callable[[Tensor], Tensor], image: Images, method: str) -> bool:
    """Return whether the gradient of the outputs is other than zero for an image."""
    with torch.enable_grad():
        x = image.detach().clone().requires_grad_()
        output = logits(x)
        if not output.requires_grad:
            raise InputError(
                f"{method} needs gradients, and this model's outputs have none (detached, computed "
                f"under no_grad, or quantised); {GRADIENT_HINT}"
            )
        weights = torch.linspace(1, 2, output.shape[1], dtype=output.dtype, device=output.device)
        (gradient,) = torch.autograd.grad((output * weights).sum(), x, allow_unused=True)
    return gradient is not None and bool((gradient != 0).any())
