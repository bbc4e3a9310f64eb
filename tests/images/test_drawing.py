import pytest
import torch

from unsee.images import drawing
from unsee.images.framing import Box


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_pixels_have_three_channels(channels) -> None:
    photo = torch.rand(channels, 4, 6)
    pixels = drawing.to_pixels(photo)
    assert pixels.shape == (4, 6, 3)
    expected = photo[:3] if channels >= 3 else photo[:1].expand(3, -1, -1)
    assert abs(pixels / 255 - expected.permute(1, 2, 0).numpy()).max() < 1 / 255


def test_heat_ignores_negative_values_and_extreme_pixels() -> None:
    saliency = torch.linspace(-1, 1, 1000).view(10, 100)
    saliency[0, 1] = 100
    heat = drawing.heat(saliency)
    assert (heat[saliency.numpy() <= 0] == 0).all()
    assert heat.max() == 1
    assert heat[5:].mean() > 0.4
    assert (drawing.heat(torch.zeros(3, 3)) == 0).all()


def test_overlay_is_brighter_where_saliency_is_high_and_darker_outside_the_crop() -> None:
    saliency = torch.zeros(20, 20)
    saliency[:10] = 1
    photo = torch.full((3, 20, 20), 0.5)
    whole = drawing.overlay(photo, saliency).astype(int)
    assert whole[:10].mean() > whole[10:].mean() + 50
    cropped = drawing.overlay(photo, saliency, Box(0, 5, 20, 10)).astype(int)
    assert (cropped[:, 5:15] == whole[:, 5:15]).all()
    assert cropped[:, :5].mean() < 0.5 * whole[:, :5].mean()
