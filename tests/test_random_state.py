"""Loading a part with weights leaves torch's global random state as it was."""

import pytest
import torch

from tests.generators import fill
from unsee import create, explain, load
from unsee.infillers._generative import _loaded

IMAGE = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def classifier():
    return load(device="cpu", size=(96, 96))


@pytest.fixture
def state():
    _loaded.cache_clear()
    torch.manual_seed(12)
    return torch.get_rng_state()


@pytest.mark.parametrize("name", ["efficientnet_lite0", "tests.conftest:Corner"])
def test_classifiers(name, state) -> None:
    load(name, device="cpu")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["casm", "distilled", "variational"])
def test_methods_with_weights(name, classifier, state) -> None:
    fresh = load(device="cpu", size=(96, 96))  # weights are kept for each network
    explain(fresh, IMAGE, create("methods", name))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("settings", [{}, {"weights": "random"}, {"samples": 2}])
def test_painter(settings, state) -> None:
    fill(create("infillers", "painter", **settings), IMAGE, torch.ones(1, 1, 1, 96, 96), (1,))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["vae", "deepfill1", "deepfill2"])
def test_other_generators(name, state) -> None:
    infiller = create("infillers", name, weights="random")
    fill(infiller, IMAGE, torch.ones(1, 1, 1, 96, 96), (1,))
    assert torch.equal(torch.get_rng_state(), state)
