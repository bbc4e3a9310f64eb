import dataclasses

import pytest
import torch

from tests.conftest import Convolutional, toy
from unsee.classifiers.chunked import map_chunks
from unsee.classifiers.measures import MEASURES, probability


@pytest.mark.parametrize("measure", MEASURES.values())
@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_values_and_gradients_are_independent_of_chunk(images, measure, chunk) -> None:
    network = toy(Convolutional())
    x = images.repeat(2, 1, 1, 1).requires_grad_()
    y = torch.tensor([0, 1, 4, 0, 1, 3])
    weights = torch.arange(6.0)
    whole = measure(network.logits(x), y)
    (expected,) = torch.autograd.grad(whole @ weights, x)
    parts = dataclasses.replace(network, chunk=chunk).score(x, y, measure)
    (got,) = torch.autograd.grad(parts @ weights, x)
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(got, expected)


def test_gradient_passes_gradcheck() -> None:
    rows = torch.rand(5, 3, dtype=torch.float64, requires_grad=True)

    def function(x, part):
        return (x**3).sum(1)

    assert torch.autograd.gradcheck(lambda r: map_chunks(function, r, 2), rows)


def test_rows_are_evaluated_in_chunks() -> None:
    sizes = []

    def function(x, part):
        sizes.append(len(x))
        return x.sum(1)

    map_chunks(function, torch.rand(10, 2, requires_grad=True), 4)
    assert sizes == [4, 4, 2]


def test_passes_are_counted(images) -> None:
    network = toy(Convolutional())
    network.score(images, torch.zeros(3, dtype=torch.long), probability)
    assert (network.passes.forwards, network.passes.backwards) == (3, 0)
    network.score(images.requires_grad_(), torch.zeros(3, dtype=torch.long), probability)
    assert (network.passes.forwards, network.passes.backwards) == (6, 3)
