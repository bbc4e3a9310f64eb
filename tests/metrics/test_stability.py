"""Stability under changes of the seed and of the image."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tests.metrics.conftest import rate_method
from unsee import InputError, create
from unsee.methods.base import Method, Progress, Traits, fixed_maps
from unsee.metrics.stability import as_jpeg, shifted

CHANGES = ("seed", "noise", "shift", "jpeg")


@dataclass(frozen=True)
class Brightness(Method):
    """The image itself is the map."""

    traits = Traits(uses_classifier=False)

    def iterate(self, score):
        yield Progress(1, 1, fixed_maps(score.images.mean(1)))


@pytest.mark.parametrize("change", CHANGES)
def test_map_that_ignores_the_image_and_the_seed_is_stable(batch_score, change) -> None:
    box = create("methods", "box")
    ranked = rate_method("stability", batch_score, Brightness(), change=change)
    if change in {"seed", "shift"}:
        torch.testing.assert_close(ranked, torch.ones(3))
    else:
        assert ((ranked > 0.5) & (ranked < 1)).all()
    values = rate_method("stability", batch_score, box, change=change)
    assert (values > 0.9 if change == "shift" else values == 1).all()


@pytest.mark.parametrize(("change", "expected"), [("seed", 0), ("noise", 1), ("jpeg", 1)])
def test_map_of_random_numbers_depends_on_the_seed_alone(batch_score, change, expected) -> None:
    values = rate_method("stability", batch_score, create("methods", "random"), change=change)
    torch.testing.assert_close(values, torch.full((3,), float(expected)), atol=0.1, rtol=0)


@pytest.mark.parametrize("change", CHANGES)
def test_value_is_the_rank_correlation_with_the_map_after_the_change(batch_score, change) -> None:
    method = create("methods", "rise", samples=20, cells=4)
    if change == "seed":
        score = replace(batch_score, seeds=[seed + 1 for seed in batch_score.seeds])
    elif change == "noise":
        noise = batch_score.random.normal(0, 3, 32, 32, stream="stability")
        score = replace(batch_score, images=(batch_score.images + 0.02 * noise).clamp(0, 1))
    else:
        change_of = {"shift": shifted, "jpeg": as_jpeg}[change]
        score = replace(batch_score, images=change_of(batch_score.images))
    before, after = method.attribute(batch_score).detach(), method.attribute(score).detach()
    if change == "shift":
        before, after = before[..., :-1], after[..., 1:]
    expected = [
        spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(before, after, strict=True)
    ]
    values = rate_method("stability", batch_score, method, change=change)
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert torch.equal(values, rate_method("stability", batch_score, method, change=change))


def test_shift_moves_the_pixels_to_the_right(images) -> None:
    moved = shifted(images)
    assert torch.equal(moved[..., 1:], images[..., :-1])
    assert torch.equal(moved[..., 0], images[..., 0])
    with pytest.raises(InputError, match="3 pixels or more"):
        shifted(images[..., :2])


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_near_the_image_and_not_the_image(channels) -> None:
    ramp = torch.linspace(0, 1, 32)[:, None] * torch.linspace(0, 1, 32)
    images = ramp.expand(2, channels, -1, -1).contiguous()
    changed = as_jpeg(images)
    assert changed.shape == images.shape
    assert 0 < (changed - images).abs().max() < 0.05
    assert torch.equal(as_jpeg(images[:1]), changed[:1])


def test_jpeg_of_other_channels_is_refused() -> None:
    with pytest.raises(InputError, match="1 or 3 channels, and these images have 2"):
        as_jpeg(torch.zeros(1, 2, 8, 8))


def test_constant_map_has_no_order(batch_score) -> None:
    metric = create("metrics", "stability", change="seed")
    values = metric.rate(batch_score, torch.zeros(3, 32, 32), method=create("methods", "box"))
    assert (values == 0).all()
