"""Classifiers that forget what they learned, layer by layer."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal
from zlib import crc32

import torch
from torch import nn

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError

Order = Literal["cascading", "independent"]


def layers(network: nn.Module) -> list[str]:
    """Names of the modules that have weights of their own, from the output to the input.

    Normalisation is left alone: its statistics would turn random weights into constants.
    """
    names = [
        name
        for name, module in network.named_modules()
        if any(p.numel() > 1 for p in module.parameters(recurse=False))
        and not isinstance(module, _NORMS)
    ]
    return names[::-1]


_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
)


def randomise_layers(
    classifier: Classifier, order: Order = "cascading", steps: int = 0, seed: int = 0
) -> Iterator[tuple[str, Classifier]]:
    """Copies of a classifier with layers forgotten, and the name of the last that was.

    cascading: from the output down to it; independent: it alone (Adebayo et al., NeurIPS 2018).
    Weights are drawn anew from a normal distribution with the mean and the deviation that each
    tensor has (paper: its initialisation), so that activations keep their scale. With `steps` only
    so many layers are taken, evenly. The user's model is not touched.

    Raises `InputError` for a classifier that is no torch module.
    """
    if not isinstance(classifier.model, nn.Module):
        raise InputError("a black box has no layers to randomise; it needs a torch module")
    names = layers(classifier.model)
    if not names:
        raise InputError("this network has no weights to randomise")
    ends = _spread(len(names), steps or len(names))
    for end in ends:
        network = copy.deepcopy(classifier.model)
        for name in names[: end + 1] if order == "cascading" else [names[end]]:
            _forget(network.get_submodule(name), name, seed)
        yield names[end], replace(classifier, model=network)


def _spread(count: int, steps: int) -> list[int]:
    """So many of them, evenly, the last one always among them."""
    places = torch.linspace(count / min(steps, count), count, min(steps, count))
    return sorted({round(place) - 1 for place in places.tolist()})


def _forget(module: nn.Module, name: str, seed: int) -> None:
    """Draw a layer's weights anew, the same for the same seed and name."""
    with torch.no_grad():
        for number, p in enumerate(module.parameters(recurse=False)):
            g = torch.Generator().manual_seed(seed * 1_009 + number * 31 + crc32(name.encode()))
            spread = p.float().std().item() if p.numel() > 1 else 0.0
            fresh = torch.randn(p.shape, generator=g) * spread + p.float().mean().item()
            p.copy_(fresh.to(p))
