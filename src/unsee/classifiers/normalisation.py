"""The normalisation that is assumed for a model, and the statistics that are for its data."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from torch import nn

from unsee.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
OTHER_MEAN, OTHER_STD = 0.5, 0.25
"""Mean and standard deviation that are assumed for data without three channels."""


class Assumed(tuple[float, ...]):
    """Values of the channels that nobody stated."""


ASSUMED_MEAN, ASSUMED_STD = Assumed(IMAGENET_MEAN), Assumed(IMAGENET_STD)

CONFIGURATIONS = ("pretrained_cfg", "default_cfg")
"""Attributes in which models of timm state their preprocessing."""
ROUNDING = 1e-3
"""Largest difference between values that count as equal: some are rounded."""


def data_statistics(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of the data of a model whose normalisation is known.

    They are those of the normalisation. A mean of 0 in every channel is not one of data, which
    would be black, but says that the model takes pixels as they are, or times a factor. The data
    is then assumed to be like ImageNet, and for other than three channels around 0.5.
    """
    if any(mean):
        return mean, std
    channels = len(mean)
    if channels == len(IMAGENET_MEAN):
        return IMAGENET_MEAN, IMAGENET_STD
    return (OTHER_MEAN,) * channels, (OTHER_STD,) * channels


def check_assumed(model: object, mean: object, std: object) -> None:
    """Raise `InputError` if ImageNet's normalisation is assumed for a model that states another.

    Args:
        model: Model of a classifier.
        mean: Mean of each channel; of type `Assumed` unless it was stated.
        std: Standard deviation of each channel, likewise.
    """
    assumed = {
        name: value for name, value in (("mean", mean), ("std", std)) if isinstance(value, Assumed)
    }
    if not assumed or not isinstance(model, nn.Module):
        return
    stated = _configuration(model)
    if all(_equal(stated.get(name, value), value) for name, value in assumed.items()):
        return
    architecture = stated.get("architecture")
    name = architecture if isinstance(architecture, str) else "NAME"
    raise InputError(
        f"{type(model).__name__} comes with a normalisation of its own, not ImageNet's: load it as "
        f"timm:{name}, or state what it was trained with in unsee.Classifier, such as "
        f"mean={_written(stated['mean'])}, std={_written(stated['std'])}"
    )


def _configuration(model: nn.Module) -> Mapping[str, Any]:
    """Return what a model states about its preprocessing; empty if it states no normalisation."""
    for attribute in CONFIGURATIONS:
        stated = getattr(model, attribute, None)
        if isinstance(stated, Mapping) and all(_is_values(stated.get(n)) for n in ("mean", "std")):
            return stated
    return {}


def _is_values(values: object) -> bool:
    """Return whether these are values of channels."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return False
    return len(values) > 0 and all(isinstance(value, Real) for value in values)


def _equal(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return whether values of channels are the same but for rounding."""
    pairs = zip(first, second, strict=False)
    return len(first) == len(second) and all(abs(a - b) <= ROUNDING for a, b in pairs)


def _written(values: Sequence[float]) -> str:
    """Return values of channels as a setting in Python."""
    return f"({', '.join(f'{value:.6g}' for value in values)})"
