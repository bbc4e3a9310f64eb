"""A reader's folder: photos, a toy classifier, and methods that take few steps."""

import sys
from dataclasses import fields

import numpy as np
import pytest
import torch
from PIL import Image

import unsee
from tests.conftest import Convolutional, toy
from unsee.registry import part
from unsee.sources._imagenet import labels

PHOTOS = ("dog.jpg", "a.jpg", "b.png", "photo.jpg")
"""Photos that the pages name."""
MOST = {"steps": 3, "samples": 40}
"""Largest defaults of methods."""
SMALLER = {
    "timm:resnet50.a1_in1k": "tests.docs.conftest:classifier",
    '"efficientnet_lite0"': '"tests.docs.conftest:classifier"',
    "steps=100": "steps=2",
    "(224, 224)": "(32, 32)",
    '"distilled", "distilled.onnx"': '"distilled:weights=random", "distilled.onnx"',
    "features_in_step=224": "features_in_step=32",
}
"""Texts of the pages, and those that take their place: toys, and fewer steps."""


class Network(Convolutional):
    """A small network of ImageNet's classes."""

    def __init__(self) -> None:
        super().__init__(classes=1000)


def classifier() -> unsee.Classifier:
    """Return a classifier of ImageNet's classes for 32 x 32 pixels."""
    return toy(Network(), labels=labels())


def answer(images: np.ndarray) -> np.ndarray:
    """Return the probabilities of a black box."""
    network = Convolutional(channels=images.shape[1]).eval()
    with torch.no_grad():
        return network(torch.from_numpy(images).float()).softmax(1).numpy()


@pytest.fixture
def names_of_a_reader() -> dict[str, object]:
    """What the pages expect a reader to have: a model, inputs, and maps of other libraries."""
    g = torch.Generator().manual_seed(0)
    return {
        "unsee": unsee,
        "classifier": classifier(),
        "model": Network().eval(),
        "inputs": torch.rand(1, 3, 32, 32, generator=g),
        "maps": torch.rand(1, 32, 32, generator=g),
        "cams": torch.rand(1, 32, 32, generator=g).numpy(),
        "pixels": torch.rand(2, 3, 32, 32, generator=g).numpy(),
        "ask_the_server": answer,
        "digits": answer,
    }


@pytest.fixture
def small_defaults(monkeypatch) -> None:
    """Let methods take few steps and samples, unless a page sets them."""
    make = unsee.registry.create

    def create(kind, /, name, **settings):
        if kind == "methods":
            defaults = {field.name: field.default for field in fields(part(kind, name))}
            settings = {
                key: most for key, most in MOST.items() if key in defaults and defaults[key] > most
            } | settings
        return make(kind, name, **settings)

    monkeypatch.setattr("unsee.registry.create", create)


@pytest.fixture
def folder_of_a_reader(tmp_path, monkeypatch, unchecked):
    """A folder with photos, in which the page's files are modules."""
    folder = tmp_path / "reader"
    folder.mkdir()
    g = np.random.default_rng(0)
    for number, name in enumerate(PHOTOS):
        pixels = g.integers(0, 255, (40, 50 + number, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    modules = set(sys.modules)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in {"our_parts", "mymodel"}:
            del sys.modules[name]
