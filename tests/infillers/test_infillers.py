"""Each in-filler against an independent few lines."""

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.generators import fill
from unsee import InputError, create


@pytest.fixture
def picture():
    return torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def keep():
    keep = torch.ones(2, 1, 1, 24, 24)
    keep[..., 4:20, 4:20] = 0
    return keep


def test_grey_is_the_neutral_colour(picture, keep) -> None:
    assert (fill(create("infillers", "grey"), picture, keep) == 0.4).all()


def test_mean_averages_visible_pixels(picture, keep) -> None:
    filled = fill(create("infillers", "mean"), picture, keep)
    visible = picture[0][:, keep[0, 0, 0] == 1].mean(1)
    torch.testing.assert_close(filled[0, :, 7, 9], visible)
    empty = fill(create("infillers", "mean"), picture, torch.zeros_like(keep))
    assert (empty == 0.4).all()


def test_local_agrees_with_numpy(picture, keep) -> None:
    filled = fill(create("infillers", "local", window=5), picture, keep)[0].numpy()
    x, m = picture[0].numpy(), keep[0, 0, 0].numpy()
    for row, column in [(5, 5), (0, 0), (12, 12), (4, 19)]:
        rows = slice(max(row - 2, 0), row + 3)
        columns = slice(max(column - 2, 0), column + 3)
        window, count = m[rows, columns], m[rows, columns].sum()
        expected = (x[:, rows, columns] * window).sum((1, 2)) / count if count else [0.4] * 3
        np.testing.assert_allclose(filled[:, row, column], expected, atol=1e-5)


def test_random_colours_differ_between_steps(picture, keep) -> None:
    infiller = create("infillers", "random")
    first, second = (fill(infiller, picture, keep, step=step) for step in (1, 2))
    assert not torch.equal(first, second)
    assert torch.equal(first, fill(infiller, picture, keep, step=1))
    colours = first.mean((2, 3))
    assert (colours[0] - colours[1]).abs().max() > 0.05


def test_noise_has_the_amplitude_of_the_setting(picture, keep) -> None:
    background = fill(create("infillers", "noise", amplitude=0.1), picture, keep)
    assert background.std().item() == pytest.approx(0.1, abs=0.01)
    assert background.mean().item() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("name", ["telea", "navier_stokes", "patchmatch"])
def test_constant_picture_is_continued(name, keep) -> None:
    flat = torch.tensor([0.2, 0.6, 0.8]).view(1, 3, 1, 1).expand(2, 3, 24, 24)
    filled = fill(create("infillers", name), flat, keep)
    torch.testing.assert_close(filled, flat, atol=0.03, rtol=0)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_opencv_fills_any_number_of_channels(channels, keep) -> None:
    picture = torch.rand(2, channels, 24, 24)
    assert fill(create("infillers", "telea"), picture, keep).shape == picture.shape
    with pytest.raises(InputError, match="expects three channels"):
        fill(create("infillers", "patchmatch"), picture, keep)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("blur", {"sigma": 0}, "sigma > 0"),
        ("blur", {"kernel": 50}, "odd kernel"),
        ("local", {"window": 4}, "odd window"),
        ("patchmatch", {"radius": 0}, "at least 1"),
        ("blur", {"sgima": 3}, "did you mean 'sigma'"),
        ("blurr", {}, "did you mean 'blur'"),
    ],
)
def test_invalid_settings_are_refused(name, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        create("infillers", name, **settings)


@pytest.mark.parametrize("name", ["telea", "grey", "local"])
def test_soft_masks_blend_with_filled_pixels(name) -> None:
    images = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    score = masked_score(toy(Convolutional()), images, name)
    keep = torch.full((2, 1, 1, 28, 28), 0.75, requires_grad=True)
    scores = score(keep)
    (gradient,) = torch.autograd.grad(scores.sum(), keep)
    assert (gradient.abs().flatten(2).amax(2) > 0).all()
    blended = score.pictures(keep.detach())
    assert not torch.equal(blended, images)
    row = score.rows(torch.tensor([False, True]))
    torch.testing.assert_close(row.pictures(keep.detach()[1:]), blended[1:])


def test_noisy_linear_solves_its_linear_system() -> None:
    g = torch.Generator().manual_seed(0)
    images, keep = torch.rand(1, 3, 20, 24, generator=g), torch.ones(1, 1, 1, 20, 24)
    keep[..., 4:15, 6:20] = 0
    infiller = create("infillers", "noisy_linear", noise=0.0, tolerance=1e-6)
    filled = fill(infiller, images, keep, seeds=(5,))[0].double().numpy()
    x, hole = images[0].double().numpy(), keep[0, 0, 0].numpy() == 0
    places = np.argwhere(hole)
    index = {tuple(p): i for i, p in enumerate(places)}
    a, b = np.eye(len(places)), np.zeros((len(places), 3))
    for i, (y, z) in enumerate(places):
        for dy in (-1, 0, 1):
            for dz in (-1, 0, 1):
                weight = {0: 0.0, 1: 1 / 6, 2: 1 / 12}[abs(dy) + abs(dz)]
                if (y + dy, z + dz) in index:
                    a[i, index[y + dy, z + dz]] -= weight
                else:
                    b[i] += weight * x[:, y + dy, z + dz]
    np.testing.assert_allclose(filled[:, hole].T, np.linalg.solve(a, b), atol=1e-4)
    np.testing.assert_array_equal(filled[:, ~hole], x[:, ~hole])


def test_biharmonic_continues_a_slope() -> None:
    slope = torch.linspace(0.2, 0.8, 24).expand(1, 3, 24, 24).contiguous()
    keep = torch.ones(1, 1, 1, 24, 24)
    keep[..., 8:16, 8:16] = 0
    filled = fill(create("infillers", "biharmonic"), slope, keep, seeds=(5,))
    torch.testing.assert_close(filled, slope, atol=0.02, rtol=0)
