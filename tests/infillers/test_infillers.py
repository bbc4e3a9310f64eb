"""Each in-filler against an independent few lines."""

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, question, toy
from tests.contracts.test_infillers import fill
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


def test_mean_is_the_visible_pixels_mean(picture, keep) -> None:
    got = fill(create("infillers", "mean"), picture, keep)
    visible = picture[0][:, keep[0, 0, 0] == 1].mean(1)
    torch.testing.assert_close(got[0, :, 7, 9], visible)
    none = fill(create("infillers", "mean"), picture, torch.zeros_like(keep))
    assert (none == 0.4).all()


def test_local_by_numpy(picture, keep) -> None:
    got = fill(create("infillers", "local", window=5), picture, keep)[0].numpy()
    x, m = picture[0].numpy(), keep[0, 0, 0].numpy()
    for row, column in [(5, 5), (0, 0), (12, 12), (4, 19)]:
        rows = slice(max(row - 2, 0), row + 3)
        columns = slice(max(column - 2, 0), column + 3)
        window, count = m[rows, columns], m[rows, columns].sum()
        wanted = (x[:, rows, columns] * window).sum((1, 2)) / count if count else [0.4] * 3
        np.testing.assert_allclose(got[:, row, column], wanted, atol=1e-5)


def test_random_is_fresh_at_each_step(picture, keep) -> None:
    infiller = create("infillers", "random")
    first, second = (fill(infiller, picture, keep, step=step) for step in (1, 2))
    assert not torch.equal(first, second)
    assert torch.equal(first, fill(infiller, picture, keep, step=1))
    colours = first.mean((2, 3))
    assert (colours[0] - colours[1]).abs().max() > 0.05


def test_noise_has_the_amplitude_asked_for(picture, keep) -> None:
    background = fill(create("infillers", "noise", amplitude=0.1), picture, keep)
    assert background.std().item() == pytest.approx(0.1, abs=0.01)
    assert background.mean().item() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("name", ["telea", "navier_stokes", "patchmatch"])
def test_a_flat_picture_is_continued(name, keep) -> None:
    flat = torch.tensor([0.2, 0.6, 0.8]).view(1, 3, 1, 1).expand(2, 3, 24, 24)
    got = fill(create("infillers", name), flat, keep)
    torch.testing.assert_close(got, flat, atol=0.03, rtol=0)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_opencv_serves_any_number_of_channels(channels, keep) -> None:
    from unsee.infillers.base import ImageBatch, RowIndex
    from unsee.noise import ImageRandom

    picture = torch.rand(2, channels, 24, 24)
    scene = ImageBatch(picture, torch.full((channels,), 0.5), ImageRandom([0, 1], picture.device))
    rows = RowIndex(torch.arange(2), torch.zeros(2, dtype=torch.long), 0)
    assert create("infillers", "telea").bind(scene)(keep[:, 0], rows).shape == picture.shape
    with pytest.raises(InputError, match="three channels"):
        create("infillers", "patchmatch").bind(scene)(keep[:, 0], rows)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("blur", {"sigma": 0}, "sigma > 0"),
        ("blur", {"kernel": 50}, "odd kernel"),
        ("local", {"window": 4}, "odd window"),
        ("patchmatch", {"radius": 0}, "at least 1"),
        ("blur", {"sgima": 3}, "did you mean 'sigma'"),
        ("blurr", {}, "did you mean 'blur'"),
    ],
)
def test_bad_settings_say_what_is_wrong(name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        create("infillers", name, **settings)


@pytest.mark.parametrize("name", ["telea", "grey", "local"])
def test_soft_masks_see_what_an_inpainter_imagines_behind_visible_pixels(name) -> None:
    images = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    score = question(toy(Convolutional()), images, name)
    keep = torch.full((2, 1, 1, 28, 28), 0.75, requires_grad=True)
    scores = score(keep)
    (gradient,) = torch.autograd.grad(scores.sum(), keep)
    assert (gradient.abs().flatten(2).amax(2) > 0).all()
    seen = score.pictures(keep.detach())
    assert not torch.equal(seen, images)
    only = score.rows(torch.tensor([False, True]))
    torch.testing.assert_close(only.pictures(keep.detach()[1:]), seen[1:])


def test_noisy_linear_solves_its_equation() -> None:
    g = torch.Generator().manual_seed(0)
    images, keep = torch.rand(1, 3, 20, 24, generator=g), torch.ones(1, 1, 1, 20, 24)
    keep[..., 4:15, 6:20] = 0
    infiller = create("infillers", "noisy_linear", noise=0.0, tolerance=1e-6)
    got = fill(infiller, images, keep, seeds=(5,))[0].double().numpy()
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
    np.testing.assert_allclose(got[:, hole].T, np.linalg.solve(a, b), atol=1e-4)
    np.testing.assert_array_equal(got[:, ~hole], x[:, ~hole])


def test_biharmonic_continues_a_slope() -> None:
    slope = torch.linspace(0.2, 0.8, 24).expand(1, 3, 24, 24).contiguous()
    keep = torch.ones(1, 1, 1, 24, 24)
    keep[..., 8:16, 8:16] = 0
    got = fill(create("infillers", "biharmonic"), slope, keep, seeds=(5,))
    torch.testing.assert_close(got, slope, atol=0.02, rtol=0)
