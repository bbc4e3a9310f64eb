"""From what a user has in hand to a `Classifier`."""

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import nn

from unsee.classifiers.classifier import Classifier, half_precision
from unsee.errors import InputError
from unsee.images.framing import Fit
from unsee.registry import parse, resolve

DEFAULT = "efficientnet_lite0"
"""The embedded classifier."""


def load(
    spec: str | nn.Module | Classifier = DEFAULT,
    *,
    device: str | torch.device | None = None,
    precision: torch.dtype | Literal["auto"] | None = None,
    size: tuple[int, int] | None = None,
    fit: Fit | None = None,
    **settings: Any,
) -> Classifier:
    """Load a classifier by name, or wrap a module.

    `spec` is `SOURCE[:ARGUMENT][,setting=value,...]` (`efficientnet_lite0`,
    `timm:vit_tiny_patch16_224`, `file:model.safetensors,architecture=timm:resnet18`),
    `package.module:factory` for a function of yours that returns a module or a `Classifier`, a
    module (ImageNet's mean and std are assumed: wrap it in `Classifier` to say otherwise) or a
    `Classifier`. `settings` go to the source. `device` defaults to CUDA where there is one, for
    classifiers that are loaded by name; `size` (height, width) and `fit` ("crop", "resize")
    override the framing. `precision` "auto" is float32, but bfloat16 for methods that average over
    many scores (RISE, LIME, sliding patches), where the device has instructions for
    it.
    """
    if isinstance(spec, Classifier):
        found = spec
    elif isinstance(spec, nn.Module):
        found = Classifier(spec)
    elif isinstance(spec, str):
        found = resolve("sources", spec, **settings).load(parse("sources", spec).argument)
        device = device or default_device()
    else:
        raise InputError(f"expected a classifier, a module or a name, got {type(spec).__name__}")
    if device is not None:
        found = _on(found, device)
    framing = found.framing
    if size is not None:
        framing = replace(framing, size=size)
    if fit is not None:
        framing = replace(framing, fit=fit)
    if framing != found.framing:
        found = replace(found, framing=framing)
    return _precise(found, precision)


def default_device() -> str:
    """Where a classifier that is loaded by name runs: CUDA where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _precise(found: Classifier, precision: torch.dtype | Literal["auto"] | None) -> Classifier:
    if precision == "auto":
        module = isinstance(found.model, nn.Module)
        return replace(found, averaging=half_precision(found.device) if module else None)
    return replace(found, precision=precision) if precision else found


def _on(found: Classifier, device: str | torch.device) -> Classifier:
    """The classifier on a device; a module that was loaded by name or given is moved there."""
    try:
        if torch.device(device) == found.device:
            return found
        if isinstance(found.model, nn.Module):
            return replace(found, model=found.model.to(device), chunk=0)
    except (RuntimeError, AssertionError) as error:  # no such device, or torch without it
        raise InputError(f"cannot use device {device}: {str(error).splitlines()[0]}") from error
    return found  # a function runs wherever it runs
