"""Sanity checks: does the map change when the classifier forgets what it learned?"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifier import Classifier
from unsee.errors import InputError
from unsee.evaluation import similarity
from unsee.explain import Study
from unsee.types import Saliency

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


def randomised(
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
            _forget(network.get_submodule(name), seed)
        yield names[end], replace(classifier, model=network)


def _spread(count: int, steps: int) -> list[int]:
    """So many of them, evenly, the last one always among them."""
    places = torch.linspace(count / min(steps, count), count, min(steps, count))
    return sorted({round(place) - 1 for place in places.tolist()})


def _forget(module: nn.Module, seed: int) -> None:
    """Draw a layer's weights anew, the same for the same seed."""
    with torch.no_grad():
        for number, p in enumerate(module.parameters(recurse=False)):
            g = torch.Generator().manual_seed(seed * 1_009 + number * 31 + p.numel())
            spread = p.float().std().item() if p.numel() > 1 else 0.0
            fresh = torch.randn(p.shape, generator=g) * spread + p.float().mean().item()
            p.copy_(fresh.to(p))


@dataclass(frozen=True, eq=False)
class Forgotten:
    """What became of the maps when layers were randomised."""

    layer: str
    maps: Saliency
    similarity: dict[str, list[float]]
    """By measure, one number for each image."""


def check(
    classifier: Classifier,
    images: Any,
    method: Any,
    *,
    order: Order = "cascading",
    steps: int = 0,
    seed: int = 0,
    **asked: Any,
) -> Iterator[Forgotten]:
    """Maps of ever more random classifiers beside those of the real one, of the same classes.

    A method that explains the classifier falls to no similarity; one that draws edges does not.
    The first result is the real classifier's. `asked` goes to `explain`: infiller, measure ...
    """
    real = _explained(Study.of(classifier, images, method, seed=seed, **asked))
    asked = {**asked, "targets": real.score.targets.tolist()}
    whole = real.explanation.saliency
    yield _beside("", whole, whole)
    for name, forgetful in randomised(classifier, order, steps, seed):
        study = _explained(Study.of(forgetful, real.score.images, method, seed=seed, **asked))
        yield _beside(name, study.explanation.saliency, whole)


def _explained(study: Study) -> Study:
    for _ in study.steps():
        pass
    return study


def _beside(layer: str, maps: Saliency, real: Saliency) -> Forgotten:
    found: dict[str, list[float]] = {name: [] for name in similarity.MEASURES}
    one: Float[Tensor, "h w"]
    for one, other in zip(maps, real, strict=True):
        for name in found:
            found[name].append(similarity.alike(one, other, name))
    return Forgotten(layer, maps, found)
