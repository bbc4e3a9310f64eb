"""The in-fillers `painter` and `painter_small` with the weights that come with the package."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from skimage.data import chelsea

from tests.generators import fill
from unsee import create


def photo(size: int) -> torch.Tensor:
    return torch.from_numpy(chelsea()).permute(2, 0, 1)[None, :, :size, :size] / 255


def error_relative_to_blur(name: str, side: int, g: torch.Generator) -> float:
    """Mean absolute error of a painter over that of blur, with half of 16 x 16 cells removed."""
    picture = F.interpolate(photo(256), (side, side), mode="bilinear", antialias=True)
    coins = (torch.rand(1, 1, 1, 16, 16, generator=g) < 0.5).float()
    keep = F.interpolate(coins[0], (side, side))[None]
    filled, again, blurred = (
        fill(create("infillers", name), picture, keep) for name in (name, name, "blur")
    )
    assert torch.equal(filled, again)
    blur_error = ((blurred - picture) * (1 - keep[0])).abs().mean()
    return float((filled - picture).abs().mean() / blur_error)


@pytest.mark.parametrize(("name", "bound"), [("painter", 0.95), ("painter_small", 1.0)])
def test_restores_more_than_blur(name, bound) -> None:
    g = torch.Generator().manual_seed(0)
    for side in (64, 128, 256):
        assert error_relative_to_blur(name, side, g) < bound


@pytest.mark.parametrize("name", ["painter", "painter_small"])
def test_large_holes_have_no_pattern(name) -> None:
    keep = torch.ones(1, 1, 1, 224, 224)
    keep[..., 32:192, 32:192] = 0
    filled = 255 * fill(create("infillers", name), photo(224), keep)[..., 48:176, 48:176]
    for period, bound in ((4, 0.8), (8, 1.4)):
        cells = filled.unfold(-2, period, period).unfold(-2, period, period)
        means = (cells - cells.mean((-2, -1), keepdim=True)).mean((2, 3))  # of each place in a cell
        assert means.std() < bound  # levels of 255


def test_samples_differ_in_more_than_shades() -> None:
    keep = torch.ones(1, 4, 1, 224, 224)
    keep[..., 60:160, 60:160] = 0
    one = fill(create("infillers", "painter"), photo(224), keep[:, :1])
    samples = fill(create("infillers", "painter", samples=4), photo(224), keep)
    assert torch.equal(one[0], samples[0])
    for a, b in combinations(samples, 2):
        assert (a - b)[:, 60:160, 60:160].abs().mean() > 0.02
        assert torch.equal(a[:, :60], b[:, :60])


@pytest.mark.parametrize("name", ["painter", "painter_small"])
def test_scattered_visible_pixels_are_used(name) -> None:
    keep = torch.zeros(1, 1, 1, 224, 224)
    keep[..., ::4, ::4] = 1
    filled = fill(create("infillers", name), photo(224), keep)
    grey = (photo(224) - 0.5).abs().mean()
    assert (filled - photo(224)).abs().mean() < 0.4 * grey
