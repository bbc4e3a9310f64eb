"""What batch size, threads, batch and order change: no bit in the deterministic mode."""

import dataclasses
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import pytest
import torch
from skimage.data import chelsea
from threadpoolctl import threadpool_limits
from torch import Tensor

from tests.conftest import Convolutional, small, toy
from tests.contracts.test_methods import SIDE, infillers, installed
from tests.generators import small_infiller
from unsee import available, create, explain, load
from unsee.methods.base import MaskOptimizer
from unsee.metrics._similarity import similarity
from unsee.registry import part

pytestmark = pytest.mark.usefixtures("constant_maps_accepted")  # few steps on random weights
METHODS = [name for name in available("methods") if installed(part("methods", name))]
INFILLERS = [name for name in infillers() if name != "diffusion"]
CHUNKS, THREADS, BATCHES = (1, 3, 16), (1, 2), ("alone", "batch", "reversed")
BOUNDS = {True: 0.8, False: 0.999}
"""Least rank correlation in the default mode, for optimisers and for other methods; docs/usage.md
states both."""
PASSES = 40
"""Passes of a method that explains a photo to the default classifier."""


class Case(NamedTuple):
    """A method with an in-filler, and what must not change its maps."""

    method: str
    infiller: str
    chunk: int
    threads: int
    batch: str


def product() -> list[Case]:
    return list(
        itertools.starmap(Case, itertools.product(METHODS, INFILLERS, CHUNKS, THREADS, BATCHES))
    )


def sample() -> list[Case]:
    """Three cases for each method; the next test states what is in them."""
    return [
        Case(
            method,
            INFILLERS[(i + 3 * j) % len(INFILLERS)],
            chunk,
            THREADS[(i + i // 3 + j) % len(THREADS)],
            BATCHES[(i + j) % len(BATCHES)],
        )
        for i, method in enumerate(METHODS)
        for j, chunk in enumerate(CHUNKS)
    ]


def test_sample_has_every_value_with_every_method_and_infiller() -> None:
    values = {*CHUNKS, *BATCHES, *(f"{count} threads" for count in THREADS)}
    seen = {name: set() for name in (*METHODS, *INFILLERS)}
    for case in sample():
        for name in (case.method, case.infiller):
            seen[name] |= {case.chunk, case.batch, f"{case.threads} threads"}
    assert {name: values - those for name, those in seen.items() if those != values} == {}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch and the libraries of linear algebra use this many threads."""
    before = torch.get_num_threads()
    with threadpool_limits(count, "blas"):
        torch.set_num_threads(count)
        try:
            yield
            assert torch.get_num_threads() == count
        finally:
            torch.set_num_threads(before)


def images() -> Tensor:
    return torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@cache
def first_map(method: str, infiller: str) -> Tensor:
    """Return the map of the first image, alone, on one thread, with 16 images in the network."""
    return maps(Case(method, infiller, 16, 1, "alone"))[0]


def maps(case: Case) -> Tensor:
    selected = {"alone": images()[:1], "batch": images(), "reversed": images().flip(0)}[case.batch]
    with threads(case.threads):
        return explain(
            toy(Convolutional(), chunk=case.chunk), selected, few_steps(case.method), targets=2,
            infiller=small_infiller(case.infiller), deterministic=True,
        ).saliency  # fmt: skip


def few_steps(name: str, steps: int = 2):
    method = small(name)
    settings = {"steps": steps, "samples": 20}
    return dataclasses.replace(method, **{k: v for k, v in settings.items() if hasattr(method, k)})


def check(case: Case) -> None:
    saliency = maps(case)[-1 if case.batch == "reversed" else 0]
    assert torch.equal(saliency, first_map(case.method, case.infiller)), case


@pytest.mark.parametrize("case", sample(), ids=lambda case: "-".join(map(str, case)))
def test_nothing_changes_a_bit(case) -> None:
    check(case)


@pytest.mark.trust
@pytest.mark.parametrize("infiller", INFILLERS)
@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_a_bit_in_the_full_product(method, infiller) -> None:
    for case in product():
        if (case.method, case.infiller) == (method, infiller):
            check(case)


@pytest.mark.parametrize("name", ["tide", "lime", "rise"])
def test_mean_and_deviation_of_repeats_are_the_same(name) -> None:
    settings = {"targets": 2, "repeats": 3, "infiller": "noise", "deterministic": True}
    results = []
    for chunk, count, order in ((1, 2, [2, 0, 1]), (16, 1, [0]), (3, 1, [1, 0])):
        with threads(count):
            network = toy(Convolutional(), chunk=chunk)
            result = explain(network, images()[order], few_steps(name), **settings)
        results.append(result[order.index(0)])
    for result in results[1:]:
        assert torch.equal(result.saliency, results[0].saliency)
        assert torch.equal(result.deviation, results[0].deviation)


def test_layout_of_grey_images_changes_no_bit() -> None:
    network = toy(Convolutional(channels=1), channels=1)
    grey = torch.rand(3, 1, 29, 37, generator=torch.Generator().manual_seed(1))
    method = few_steps("tide")
    settings = {"targets": 2, "deterministic": True}
    expected = explain(network, grey[1:2], method, **settings).saliency[0]
    for other in (grey, grey.contiguous(memory_format=torch.channels_last), grey.mT.clone().mT):
        assert torch.equal(explain(network, other, method, **settings).saliency[1], expected)


@pytest.fixture(scope="module")
def classifier():
    return load("efficientnet_lite0", device="cpu")


def of_photo(classifier, method, chunk: int, count: int, **settings) -> Tensor:
    with threads(count):
        network = dataclasses.replace(classifier, chunk=chunk)
        method = "pda:sampler=infiller" if method == "pda" else method  # ten times fewer passes
        return explain(network, chelsea(), method, infiller="noise", **settings).saliency[0]


def test_nothing_changes_a_bit_with_the_default_classifier(classifier) -> None:
    method = create("methods", "tide", steps=2)
    first, *others = (
        of_photo(classifier, method, chunk, count, deterministic=True)
        for chunk, count in ((1, 1), (4, 1), (1, 2))
    )
    assert all(torch.equal(first, other) for other in others)


def assert_similar(method: str, first: Tensor, second: Tensor) -> None:
    optimises = issubclass(part("methods", method), MaskOptimizer)
    close = torch.allclose(first, second)  # all pixels of a map may be the same
    assert close or similarity(first, second) >= BOUNDS[optimises], method


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_similar_by_default(method) -> None:
    few = few_steps(method, steps=4)
    first, second = (
        explain(toy(Convolutional(), chunk=chunk), images()[:1], few, infiller="noise", targets=2)
        for chunk in (1, 16)
    )
    assert_similar(method, first.saliency[0], second.saliency[0])


def test_maps_of_a_photo_are_similar_on_one_and_two_threads(classifier) -> None:
    method = create("methods", "tide", steps=2)
    assert_similar("tide", *(of_photo(classifier, method, 4, count) for count in (1, 2)))


@pytest.mark.trust
@pytest.mark.parametrize("method", METHODS)
def test_maps_of_a_photo_are_similar_by_default(classifier, method) -> None:
    first, *others = (
        of_photo(classifier, method, chunk, count, budget=PASSES)
        for chunk, count in ((16, 1), (1, 1), (16, 2))
    )
    for other in others:
        assert_similar(method, first, other)


@pytest.mark.trust
@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_a_bit_of_a_photo(classifier, method) -> None:
    settings = {"budget": PASSES, "deterministic": True}
    first, second = (of_photo(classifier, method, n, n, **settings) for n in (1, 2))
    assert torch.equal(first, second)
