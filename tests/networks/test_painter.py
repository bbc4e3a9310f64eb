"""The painter: sizes, noise and visible pixels; and the critics of its training."""

import pytest
import torch
import torch.nn.functional as F

from unsee import InputError
from unsee.networks import painter as painters
from unsee.networks import weights
from unsee.networks.critic import Critic, FeatureCritic, missing_mean
from unsee.networks.painter import SIZES, Painter, Size, load_painter, nearness, pull_push
from unsee.networks.patches import LARGE, copy_nearest_patches
from unsee.training import holes

SMALL = Size((8, 16, 24, 32), (1, 2), 1, (2, 1))
COPYING = SMALL._replace(copies=True)
ATTENTIVE = SMALL._replace(coarse=2, coarse_blocks=0)


def noise(painter: Painter, n: int, size: tuple[int, int], seed: int = 0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, *painter.noise_shape(size), generator=g)


@pytest.mark.parametrize("name", ["painter", "painter_small"])
def test_pretrained_weights_have_a_card_and_are_small(name) -> None:
    file = weights.PRETRAINED / f"{name}.safetensors"
    assert file.stat().st_size <= 12_000_000
    assert file.with_suffix(".md").exists()
    assert not load_painter(file).training


@pytest.mark.parametrize("size", [SMALL, COPYING, ATTENTIVE, *SIZES.values()])
def test_weights_tell_the_size(tmp_path, size) -> None:
    painter = Painter(size, noise=3)
    torch.save(painter.state_dict(), tmp_path / "painter.pt")
    loaded = load_painter(tmp_path / "painter.pt")
    assert loaded.noise == 3
    for (key, value), other in zip(
        painter.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), key


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    torch.save({"code.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"missing coarse.*unexpected code"):
        load_painter(tmp_path / "other.pt")


@pytest.mark.parametrize("kind", [SMALL, COPYING, ATTENTIVE])
def test_result_depends_on_visible_pixels_alone_and_keeps_them(kind) -> None:
    torch.manual_seed(0)
    painter = Painter(kind).eval()
    size = (72, 90)
    x, z = torch.rand(2, 3, *size), noise(painter, 2, size)
    keep = holes.grid_cells(2, size, torch.Generator().manual_seed(0))
    with torch.no_grad():
        filled = painter(x, keep, z)
        painted = painter(torch.where(keep > 0, x, torch.rand_like(x)), keep, z)
        alone = torch.cat([painter(*(part[i : i + 1] for part in (x, keep, z))) for i in range(2)])
        other = painter(x, keep, noise(painter, 2, size, seed=1))
    assert torch.equal(filled, painted)
    assert torch.equal(filled[keep.expand_as(x) > 0], x[keep.expand_as(x) > 0])
    torch.testing.assert_close(filled, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(filled, other)


def test_visible_patches_are_copied_over_the_guess() -> None:
    torch.manual_seed(0)
    size = (64, 64)
    plain, copying = Painter(SMALL).eval(), Painter(COPYING).eval()
    copying.load_state_dict(plain.state_dict(), strict=False)
    keep = torch.ones(1, 1, *size)
    keep[..., 20:40, 20:40] = 0
    x, z = torch.rand(1, 3, 8, 8).repeat(1, 1, 8, 8), noise(plain, 1, size)
    with torch.no_grad():
        errors = [(network(x, keep, z) - x).abs().sum() for network in (copying, plain)]
    assert errors[0] < 0.8 * errors[1]


def test_largest_patches_are_copied_after_training_only(monkeypatch) -> None:
    copied: list[bool] = []

    def count(guess, keep, grid):
        assert grid == LARGE
        copied.append(True)
        return copy_nearest_patches(guess, keep, grid)

    monkeypatch.setattr(painters, "copy_nearest_patches", count)
    torch.manual_seed(0)
    painter, size = Painter(COPYING), (64, 64)
    keep = holes.grid_cells(1, size, torch.Generator().manual_seed(0))
    inputs = torch.rand(1, 3, *size), keep, noise(painter, 1, size)
    painter.train().at_one_size(*inputs).sum().backward()
    assert not copied
    assert painter.stem.weight.grad is not None, "the U-net learns through the patches"
    painter.eval().at_one_size(*inputs)
    assert copied == [True]


def test_pixels_near_many_visible_ones_are_near() -> None:
    keep = torch.ones(1, 1, 160, 160)
    keep[..., 20:140, 20:140] = 0
    near = nearness(keep)[0, 0]
    assert near[:2].min() == 1
    assert near[70:90, 70:90].max() < 0.1


def test_pixels_far_from_visible_ones_are_filled_at_half_of_the_size() -> None:
    torch.manual_seed(0)
    size, painter = (160, 160), Painter(SMALL).eval()
    keep = torch.ones(1, 1, *size)
    keep[..., 20:140, 20:140] = 0
    x, z = torch.rand(1, 3, *size), noise(painter, 1, size)
    far = slice(70, 90)
    with torch.no_grad():
        filled = painter(x, keep, z)
        halved = F.avg_pool2d(x * keep, 2), F.avg_pool2d(keep, 2), 2 * F.avg_pool2d(z, 2)
        coarse = F.interpolate(painter(*halved), size, mode="bicubic", antialias=True)
        alone = painter.at_one_size(x, keep, z)
    torch.testing.assert_close(filled[..., far, far], coarse[..., far, far])
    assert (filled - alone)[..., far, far].abs().max() > 0.01
    assert torch.equal(filled[keep.expand_as(x) > 0], x[keep.expand_as(x) > 0])


def test_pictures_with_and_without_far_pixels_are_filled_together() -> None:
    torch.manual_seed(0)
    size, painter = (160, 160), Painter(SMALL).eval()
    keep = torch.ones(3, 1, *size)
    keep[0, :, 20:140, 20:140], keep[1, :, 60:80, 60:80], keep[2, :, :, 30:] = 0, 0, 0
    inputs = torch.rand(3, 3, *size), keep, noise(painter, 3, size)
    with torch.no_grad():
        together = painter(*inputs)
        alone = torch.cat([painter(*(part[i : i + 1] for part in inputs)) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(49, 200), (224, 67)])
def test_sizes_that_are_no_multiples_have_far_pixels_too(size) -> None:
    painter = Painter(SMALL).eval()
    keep = torch.zeros(1, 1, *size)
    keep[..., :3, :3] = 1
    with torch.no_grad():
        filled = painter(torch.rand(1, 3, *size), keep, noise(painter, 1, size))
    assert filled.shape[-2:] == size
    assert filled.isfinite().all()


def test_noise_is_as_strong_at_every_map() -> None:
    painter, seen = Painter(SMALL).eval(), []
    for layer in painter.noises:
        layer.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0].std().item()))
    size = (512, 512)
    with torch.no_grad():
        painter.at_one_size(
            torch.zeros(1, 3, *size), torch.zeros(1, 1, *size), noise(painter, 1, size)
        )
    assert seen == pytest.approx([1, 1, 1], abs=0.05)


def test_pictures_without_holes_are_unchanged_and_smooth_colours_fill_the_others() -> None:
    size = (40, 33)
    x, painter = torch.rand(1, 3, *size), Painter(SMALL).eval()
    with torch.no_grad():
        assert torch.equal(painter(x, torch.ones(1, 1, *size), noise(painter, 1, size)), x)
    flat, keep = torch.full_like(x, 0.3), torch.ones(1, 1, *size)
    keep[..., 10:30, 5:25] = 0
    torch.testing.assert_close(pull_push(flat * keep, keep), flat)
    steep = torch.linspace(0, 1, 33).expand(1, 3, *size)
    assert (pull_push(steep * keep, keep) - steep).abs().max() < 0.3
    assert pull_push(0 * x, torch.zeros(1, 1, *size)).abs().max() == 0


def test_critics_score_patches_and_places() -> None:
    keep = torch.ones(2, 1, 64, 64)
    keep[..., 16:32, :16] = 0
    assert Critic()(torch.rand(2, 3, 64, 64), keep).shape == (2, 1, 4, 4)
    maps = [torch.rand(2, 5, 32, 32), torch.rand(2, 7, 9, 9)]
    scores = FeatureCritic([5, 7], width=4)(maps, keep)
    assert [tuple(score.shape) for score in scores] == [(2, 1, 32, 32), (2, 1, 9, 9)]


def test_only_places_with_missing_pixels_count() -> None:
    keep = torch.ones(1, 1, 8, 8)
    keep[..., 0, 0] = 0
    scores = torch.arange(16.0).reshape(1, 1, 4, 4) + 5
    assert missing_mean(scores, keep).item() == 5
    assert missing_mean(scores, torch.ones(1, 1, 8, 8)).item() == 0
