"""The painter's guess and its noise."""

import pytest
import torch

from tests.generators import SIZE, holes
from unsee import InputError
from unsee.networks import weights
from unsee.networks.painter import Painter, load_painter


@pytest.fixture
def pictures():
    return torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def test_guess_gets_no_gradient_from_the_result(pictures) -> None:
    keep, network = holes().flatten(0, 1), Painter()
    result, guess = network(pictures, keep, with_guess=True).chunk(2)
    assert torch.equal(guess, network.guess(pictures, keep))
    assert not torch.equal(result, guess)
    result.square().sum().backward()
    assert network.stem.weight.grad.abs().sum() == 0
    assert network.refinement.stem.weight.grad.abs().sum() > 0


def test_pretrained_weights_have_a_card_and_are_small() -> None:
    file = weights.PRETRAINED / "painter.safetensors"
    assert file.stat().st_size <= 10_000_000
    assert file.with_suffix(".md").exists()
    assert not load_painter(file).training


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    torch.save({"code.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"missing coarse.*unexpected code"):
        load_painter(tmp_path / "other.pt")
