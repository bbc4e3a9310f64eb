"""Results of passes through a network, and their count."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.fx import GraphModule

from unsee.classifiers.measures import Logits, Measure, log_odds
from unsee.errors import InputError
from unsee.types import Variants

NUMBERS_OF_CLASSES = {torch.int32, torch.int64}
"""Types of indices; networks whose outputs are quantised return shorter integers."""


@dataclass
class Passes:
    """Numbers of images that went through the network, forwards and backwards."""

    forwards: int = 0
    backwards: int = 0


class Features(NamedTuple):
    """Result of a pass in which the outputs of inner layers are read."""

    logits: Logits
    maps: list[Tensor]
    """Outputs of the layers, in the order in which they were named, as float32."""
    inputs: Variants
    """Normalised images that the network received."""
    gradient: Variants | None
    """Gradient of the predicted class's log-odds with respect to `inputs`, if requested."""


def is_training(model: object) -> bool:
    """Return whether a module, or a part of one, is in training mode; False for a function.

    It is called at every pass, and `model.modules()` takes three times as long. The mode of an
    exported program is a part of the program, and a frozen one has none.
    """
    modules = [model] if isinstance(model, nn.Module) else []
    seen = set(modules)
    while modules:
        module = modules.pop()
        if is_exported(module):
            continue
        if getattr(module, "training", False):
            return True
        parts = {part for part in module._modules.values() if part is not None} - seen
        seen |= parts
        modules += parts
    return False


def is_exported(module: nn.Module) -> bool:
    """Return whether a module was made by torch.export, so that no mode can be set."""
    return isinstance(module, GraphModule) and any(
        part.__module__.startswith("torch.export.") for part in type(module).__mro__
    )


def in_evaluation(model: nn.Module) -> nn.Module:
    """Return a module after putting it into evaluation mode, but for exported programs in it."""
    try:
        model.eval()
    except NotImplementedError:  # raised by exported programs, before later parts have the mode
        for part in model.modules():
            part.training = False
    return model


def tensors_of(model: object) -> Iterator[Tensor]:
    """Yield the parameters and buffers of a module; nothing for a function."""
    if isinstance(model, nn.Module):
        yield from model.parameters()
        yield from model.buffers()


def unwrapped(output: Any) -> Any:
    """Return the logits of a network's output; transformers return them as an attribute."""
    return getattr(output, "logits", output)


def has_values(tensor: Tensor) -> bool:
    """Return whether a tensor has a plain number in memory for each element.

    Sparse and quantised tensors have not, and those of the device meta have none at all.
    """
    strided: bool = tensor.layout is torch.strided
    return strided and not tensor.is_quantized and tensor.device.type != "meta"


def as_numbers(output: Any, count: int) -> Float[Tensor, "n columns"]:
    """Return a network's output for `count` images, as float32; one number each is one column.

    Raises:
        InputError: The output is not a tensor (count, classes) of real numbers, or holds numbers of
            classes.
    """
    output = unwrapped(output)
    if isinstance(output, Tensor) and output.ndim < 2 and output.numel() == count:
        output = output.view(count, 1)
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[0] != count:
        actual = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(f"expected logits ({count}, classes) from the model, got {actual}")
    if output.is_complex() or not has_values(output):
        kind = f"{output.dtype}, {output.layout} on {output.device}"
        raise InputError(f"expected logits as real numbers from the model, got {kind}")
    if not output.shape[1]:
        raise InputError(f"expected at least one class from the model, got {tuple(output.shape)}")
    if output.shape[1] == 1 and not output.is_floating_point():
        raise InputError(
            f"expected the outputs for all classes from the model, got one {output.dtype} for each "
            "image; return them before the most probable class is selected (argmax)"
        )
    if output.dtype in NUMBERS_OF_CLASSES:
        raise InputError(
            f"expected the outputs for all classes from the model, got {output.dtype} "
            f"{tuple(output.shape)}, as numbers of classes are; return them before the most "
            "probable classes are selected (topk, argsort), or convert scores to float"
        )
    return output.float()


def predicted_class_gradient(
    logits: Logits, inputs: Variants, measure: Measure = log_odds
) -> Variants:
    """Return the gradient of the log-odds of the predicted class with respect to the inputs."""
    (gradient,) = torch.autograd.grad(measure(logits, logits.argmax(1)).sum(), inputs)
    return gradient


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has finished its work; needed only to measure times."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
