"""What batch size, threads, batch and order change: no bit in the deterministic mode."""

import dataclasses
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from tests.conftest import Convolutional, small, toy
from tests.contracts.test_methods import SIDE, infillers, installed
from tests.generators import small_infiller
from unsee import available, explain
from unsee.registry import part

METHODS = [name for name in available("methods") if installed(part("methods", name))]
INFILLERS = [name for name in infillers() if name != "diffusion"]
CHUNKS, THREADS, BATCHES = (1, 3, 16), (1, 2), ("alone", "batch", "reversed")
BOUND = 0.8
"""Least rank correlation of maps in the default mode, as docs/usage.md states it."""


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


class Watched(Convolutional):
    """Records the number of images and of threads of each pass."""

    passes: set[tuple[int, int]]

    def forward(self, x):
        self.passes = {*getattr(self, "passes", ()), (len(x), torch.get_num_threads())}
        return super().forward(x)


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
            toy(Watched(), chunk=case.chunk), selected, few_steps(case.method), targets=2,
            infiller=small_infiller(case.infiller), deterministic=True,
        ).saliency  # fmt: skip


def few_steps(name: str):
    method = small(name)
    settings = {"steps": 2, "samples": 20}
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
