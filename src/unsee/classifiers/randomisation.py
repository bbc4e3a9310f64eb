"""Randomise a classifier's weights layer by layer (Adebayo et al., 2018)."""

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
"""Randomise all layers from the output down to one layer, or that layer alone."""

_NORMALISATIONS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
)


def layers(network: nn.Module) -> list[str]:
    """Return the names of the modules that own weights, from the output to the input.

    Normalisation layers are excluded: with the statistics of the old weights, they would turn the
    output of random layers into constants.
    """
    names = [
        name
        for name, module in network.named_modules()
        if any(p.numel() > 1 for p in module.parameters(recurse=False))
        and not isinstance(module, _NORMALISATIONS)
    ]
    return names[::-1]


def randomise_layers(
    classifier: Classifier,
    order: Order = "cascading",
    steps: int | None = None,
    seed: int = 0,
) -> Iterator[tuple[str, Classifier]]:
    """Yield copies of a classifier with randomised layers, and the name of the last such layer.

    The test of Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim, "Sanity Checks for Saliency Maps",
    NeurIPS 2018, https://arxiv.org/abs/1810.03292. New weights are drawn from a normal distribution
    with the mean and standard deviation of the old ones, so that activations keep their scale (the
    paper draws them from the layer's initialisation). The user's model is not changed.

    Args:
        classifier: Classifier to randomise; passes of the copies are counted with its own.
        order: "cascading" randomises all layers from the output down to the named one,
            "independent" the named one alone.
        steps: Number of copies, spread evenly over the layers; None takes every layer.
        seed: Seed of the new weights.

    Raises:
        InputError: The classifier is not a torch module, or its network has no weights.
    """
    network = classifier.require_network("randomising layers")
    names = layers(network)
    if not names:
        raise InputError("this network has no weights to randomise")
    # random weights do not change what the outputs are, but may make them large
    outputs = classifier.kind if classifier.is_determined else classifier.outputs
    for end in _evenly(len(names), steps or len(names)):
        copied = copy.deepcopy(network)
        modules = dict(copied.named_modules())  # TorchScript has no get_submodule
        for name in names[: end + 1] if order == "cascading" else [names[end]]:
            _randomise(modules[name], name, seed)
        yield names[end], replace(classifier, model=copied, outputs=outputs, is_randomised=True)


def _evenly(count: int, steps: int) -> list[int]:
    """Return at most `steps` indices below `count`, evenly spaced and including the last."""
    positions = torch.linspace(count / min(steps, count), count, min(steps, count))
    return sorted({round(position) - 1 for position in positions.tolist()})


def _randomise(module: nn.Module, name: str, seed: int) -> None:
    """Draw new weights for a layer; the result depends on the seed and the name only."""
    with torch.no_grad():
        for number, p in enumerate(module.parameters(recurse=False)):
            g = torch.Generator().manual_seed(seed * 1_009 + number * 31 + crc32(name.encode()))
            std = p.float().std().item() if p.numel() > 1 else 0.0
            weights = torch.randn(p.shape, generator=g) * std + p.float().mean().item()
            p.copy_(weights.to(p))
