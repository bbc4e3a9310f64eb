"""The painter's guess and its noise."""

import pytest
import torch

from tests.generators import SIZE, holes
from unsee import InputError
from unsee.networks import weights
from unsee.networks.critic import Critic
from unsee.networks.painter import Painter, load_painter, pull_push
from unsee.training import holes as training_holes


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


def test_result_depends_on_visible_pixels_alone_and_keeps_them() -> None:
    torch.manual_seed(0)
    painter = Painter().eval()
    x = torch.rand(2, 3, 72, 90)
    keep = training_holes.grid_cells(2, (72, 90), torch.Generator().manual_seed(0))
    with torch.no_grad():
        filled = painter(x, keep)
        painted = painter(torch.where(keep > 0, x, torch.rand_like(x)), keep)
        alone = torch.cat([painter(x[i : i + 1], keep[i : i + 1]) for i in range(2)])
        other = painter(x, keep, torch.randn(2, painter.noise))
    assert torch.equal(filled, painted)
    assert torch.equal(filled[keep.expand_as(x) > 0], x[keep.expand_as(x) > 0])
    torch.testing.assert_close(filled, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(filled, other)
    assert sum(p.numel() for p in painter.parameters()) <= 4_000_000


def test_untrained_painter_smooths_full_and_empty_holes() -> None:
    x = torch.rand(1, 3, 40, 33)
    painter = Painter().eval()
    with torch.no_grad():
        assert torch.equal(painter(x, torch.ones(1, 1, 40, 33)), x)
        assert (painter(x, torch.zeros(1, 1, 40, 33)) - 0.5).abs().max() < 0.1
    flat, keep = torch.full_like(x, 0.3), torch.ones(1, 1, 40, 33)
    keep[..., 10:30, 5:25] = 0
    torch.testing.assert_close(pull_push(flat * keep, keep), flat)
    steep = torch.linspace(0, 1, 33).expand(1, 3, 40, 33)
    assert (pull_push(steep * keep, keep) - steep).abs().max() < 0.3


def test_critic_scores_patches() -> None:
    assert Critic()(torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)).shape == (2, 1, 4, 4)
