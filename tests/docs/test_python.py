"""Python in the documentation runs, with a toy classifier and small settings."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from PIL import Image

import unsee
from tests.conftest import Convolutional, toy
from tests.docs.pages import PAGES, blocks
from unsee.registry import part
from unsee.sources._imagenet import labels

PHOTOS = ("dog.jpg", "a.jpg", "b.png", "photo.jpg")
"""Photos that the pages name."""
SMALLER = {
    "timm:resnet50.a1_in1k": "tests.docs.test_python:classifier",
    '"efficientnet_lite0"': '"tests.docs.test_python:classifier"',
    "steps=100": "steps=2",
    "(224, 224)": "(32, 32)",
}
"""Texts of the pages, and those that take their place: toys, and fewer steps."""
MOST = {"steps": 3, "samples": 40}
"""Largest defaults of methods."""
LEFT_OUT: dict[tuple[str, str], str] = {}
"""Blocks that do not run here, by page and first line, and why."""
WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]


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


def names_of_a_reader() -> dict[str, object]:
    """Return what the pages expect a reader to have: a model, and inputs for it."""
    g = torch.Generator().manual_seed(0)
    return {
        "unsee": unsee,
        "classifier": classifier(),
        "model": Network().eval(),
        "inputs": torch.rand(1, 3, 32, 32, generator=g),
        "maps": torch.rand(1, 32, 32, generator=g),
        "ask_the_server": answer,
        "digits": answer,
    }


@pytest.fixture(autouse=True)
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


@pytest.fixture(autouse=True)
def folder_of_a_reader(tmp_path, monkeypatch, unchecked) -> None:
    g = np.random.default_rng(0)
    for number, name in enumerate(PHOTOS):
        pixels = g.integers(0, 255, (40, 50 + number, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_blocks_of_a_page_run_one_after_the_other(page) -> None:
    names = names_of_a_reader()
    for block in blocks(page, "python"):
        if (page.name, block.text.splitlines()[0]) in LEFT_OUT:
            continue
        text = block.text
        for written, smaller in SMALLER.items():
            text = text.replace(written, smaller)
        code = "\n" * (block.line - 1) + text
        exec(compile(code, str(page), "exec"), names)  # errors name the page and its line


def test_each_block_that_is_left_out_exists() -> None:
    first = {(page.name, b.text.splitlines()[0]) for page in PAGES for b in blocks(page, "python")}
    assert first >= set(LEFT_OUT)
    assert all(LEFT_OUT.values())
