"""Load a `Classifier` from a name, a module or another classifier."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.devices import check_device
from unsee.classifiers.precision import half_precision
from unsee.errors import InputError, as_input_error
from unsee.images.framing import Fit
from unsee.networks.weights import random_state_kept
from unsee.registry import parse, resolve
from unsee.registry.grammar import LIBRARIES

DEFAULT = "efficientnet_lite0"
"""Specification of the classifier that ships with the package."""


def load(
    spec: str | nn.Module | Classifier = DEFAULT,
    *,
    device: str | torch.device | None = None,
    precision: torch.dtype | Literal["auto"] | None = None,
    size: tuple[int, int] | None = None,
    fit: Fit | None = None,
    trust: bool = False,
    **settings: Any,
) -> Classifier:
    """Load a classifier by name, or wrap a module.

    Args:
        spec: One of: `SOURCE[:ARGUMENT][,setting=value,...]` (`efficientnet_lite0`,
            `timm:vit_tiny_patch16_224`, `file:model.safetensors,architecture=timm:resnet18`);
            `package.module:factory`, a function
            that returns a module or a `Classifier`; a module, for which ImageNet's mean and
            standard deviation are assumed (wrap it in `Classifier` to set others); a `Classifier`.
        device: Device of the network. Classifiers loaded by name default to CUDA if it is
            available; others stay where they are.
        precision: Precision of a pass. "auto" is float32, but bfloat16 for methods that average
            many scores (RISE, LIME, sliding patches) if the device has instructions for it and
            the model is no regression.
        size: Height and width of the input in pixels; by default the classifier's own.
        fit: "crop" cuts out the centre of a photo, "resize" resizes all of it, "resize_crop" does
            both; by default the classifier's own.
        trust: Whether programs (torch.export, TorchScript), which can run any code, may be loaded;
            without effect on sources that load none.
        **settings: Settings of the source.

    Raises:
        InputError: The name is unknown, or the classifier or device is not usable.
    """
    classifier = _made(spec, trust, settings)
    if isinstance(spec, str):
        device = device or default_device()
    if classifier.device.type == "meta":
        raise InputError("cannot use device meta: its tensors hold no numbers")
    if device is not None:
        classifier = _on_device(classifier, device)
    return _with_precision(_with_framing(classifier, size, fit), precision)


def names_code(spec: str) -> bool:
    """Return whether a specification names Python code, which runs when it is loaded."""
    parsed = parse("sources", spec)
    if "architecture" in parsed.texts:
        return parsed.texts["architecture"].partition(":")[0] not in LIBRARIES
    if parsed.name == "blackbox":
        return Path(parsed.argument).suffix != ".onnx"
    return parsed.name == "factory"


def _made(spec: object, trust: bool, settings: dict[str, Any]) -> Classifier:
    """Return the classifier of a specification; settings need the name of a source."""
    if isinstance(spec, str):
        source = resolve("sources", spec, **settings)
        if trust and hasattr(source, "trust"):
            source = replace(source, trust=True)
        named = parse("sources", spec)
        if named.argument and not source.argument:
            raise InputError(f"{named.name} is one classifier, got {spec!r}; expected {named.name}")
        if source.argument and not named.argument:
            raise InputError(f"expected {named.name}:{source.argument}, got {spec!r}")
        with random_state_kept():
            classifier: Classifier = source.load(named.argument)
        return classifier
    if settings:
        raise InputError(
            f"settings ({', '.join(settings)}) need a name; wrap a module in a Classifier with them"
        )
    if isinstance(spec, Classifier):
        return spec
    if isinstance(spec, nn.Module):
        return Classifier(spec)
    raise InputError(f"expected a classifier, a module or a name, got {type(spec).__name__}")


def _with_framing(
    classifier: Classifier, size: tuple[int, int] | None, fit: Fit | None
) -> Classifier:
    """Return the classifier with another size or fit of photos; None keeps its own."""
    framing = classifier.framing
    if size is not None:
        framing = replace(framing, size=size)
    if fit is not None:
        framing = replace(framing, fit=fit)
    return classifier if framing == classifier.framing else replace(classifier, framing=framing)


def default_device() -> str:
    """Return the device of classifiers that are loaded by name: CUDA if it is available."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _with_precision(
    classifier: Classifier, precision: torch.dtype | Literal["auto"] | None
) -> Classifier:
    if precision not in {None, "auto"} and not isinstance(precision, torch.dtype):
        raise InputError(
            f'expected precision "auto", torch.float32, torch.bfloat16 or torch.float16, '
            f"got {precision!r}"
        )
    if precision == "auto":
        is_module = isinstance(classifier.model, nn.Module)
        sampling_precision = half_precision(classifier.device) if is_module else None
        return replace(classifier, sampling_precision=sampling_precision)
    return replace(classifier, precision=precision) if precision else classifier


def _on_device(classifier: Classifier, device: str | torch.device) -> Classifier:
    """Return the classifier on a device; its module is moved there in place."""
    check_device(device)
    with as_input_error(f"cannot use device {device}"):  # no such device, or torch without it
        if torch.device(device) == classifier.device:
            return classifier
        if isinstance(classifier.model, nn.Module):
            return replace(classifier, model=classifier.model.to(device), chunk=None)
    return classifier  # a function has no device
