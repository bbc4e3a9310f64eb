"""Toy classifiers, one of them analytic, and images for them."""

import dataclasses
import os
import tempfile

os.environ.setdefault("MPLBACKEND", "agg")
os.environ["UNSEE_DEBUG"] = "1"  # an error that a command does not foresee fails its test
os.environ["UNSEE_CACHE"] = tempfile.mkdtemp(prefix="unsee-tests-")

import jaxtyping
import pytest
import torch
from torch import nn

from unsee import Classifier, Framing, study
from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.methods._constant import check_maps
from unsee.registry import create, part

torch.set_num_threads(1)  # tiny tensors: threads only get in each other's way

SMALL = {
    "grid": 8,
    "steps": 40,
    "samples": 300,
    "path": 4,
    "patch": 9,
    "stride": 3,
    "sparsity": 0.01,
    "jitter": 0,
    "segments": 16,
    "superpixels": "grid",
    "window": 6,
    "cell": 4,
    "smoothness": 2.0,
    "areas": (0.2,),
    "cells": 2,
    "weights": "random",
}
"""Settings under which any method finishes in a second on 32 x 32 pixels."""
SMALL_OF = {
    "fido": {"samples": 8, "rate": 0.2, "sparsity": 0.002, "smoothness": 0.0},
    "igos_pp": {"sparsity": 0.2, "smoothness": 20.0},
    "igos": {"sparsity": 0.02, "smoothness": 1.0},
    "bbmp": {"sparsity": 1e-4, "smoothness": 0.0, "first": 0.4},
    "mp": {"smoothness": 0.01},
    "mp2": {"cells": 8, "chance": 0.001},
    "rise": {"cells": 7},
    "pda": {"samples": 4, "stride": 6, "sampler": "infiller"},
    "kernel_shap": {"samples": 200},
    "smoothgrad": {"samples": 10},
    "tide": {"levels": 3, "blur": 0.5},
}


class Corner(nn.Module):
    """Class 1 is bright in the upper left quarter; nothing else matters."""

    def __init__(self, gain: float = 20.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.brightness = nn.Conv2d(3, 1, 1, bias=False)
        nn.init.constant_(self.brightness.weight, 1 / 3)

    def forward(self, x):
        h, w = x.shape[-2:]
        corner = self.brightness(x)[..., : h // 2, : w // 2].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(corner), self.gain * (corner - 0.5)], 1)


class Convolutional(nn.Module):
    """A small network with random weights: it is not linear."""

    def __init__(self, classes: int = 5, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(channels, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1)
        )
        self.head = nn.Linear(8, classes)

    def forward(self, x):
        return 10 * self.head(self.features(x).relu().mean((2, 3)))


class Before(Convolutional):
    """Changes the images before the network."""

    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def forward(self, x):
        return super().forward(self.change(x))


def toy(model: nn.Module, size: int = 32, channels: int = 3, **settings) -> Classifier:
    return Classifier(
        model.eval(),
        mean=(0.4,) * channels,
        std=(1.0,) * channels,
        framing=Framing((size, size)),
        chunk=settings.pop("chunk", 16),
        **settings,
    )


class Shifted(nn.Module):
    """Undoes the normalisation of `toy`, so that `Corner` sees pixels."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x + 0.4)


@pytest.fixture
def classifier():
    return toy(Shifted(Corner()))


@pytest.fixture
def network():
    return toy(Convolutional())


@pytest.fixture
def images():
    images = 0.2 + 0.2 * torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    images[..., :16, :16] += 0.6
    return images


@pytest.fixture
def unchecked():
    """Arguments of any type reach the package, as they do for its users."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def constant_maps_accepted(monkeypatch) -> None:
    """Let a study return a map that is the same for all pixels, as too few passes may give."""

    def check(method, score, saliency, *, varied: bool) -> None:
        check_maps(method, score, saliency, varied=False)

    monkeypatch.setattr(study, "check_maps", check)


def small(name: str, **settings):
    """The method with settings that finish in a second."""
    fields = {f.name for f in dataclasses.fields(part("methods", name))}
    chosen = SMALL | SMALL_OF.get(name, {}) | settings
    return create("methods", name, **{k: v for k, v in chosen.items() if k in fields})


def masked_score(classifier, images, infiller="grey", measure=probability, target=1, **settings):
    """The masked score of class 1, seeds 0, 1, 2 ..."""
    if isinstance(infiller, str):
        infiller = create("infillers", infiller, **settings)
    targets = torch.full((len(images),), target)
    return MaskedScore(classifier, infiller, images, targets, range(len(images)), measure)
