from io import BytesIO

import matplotlib as mpl
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.texmanager import TexManager

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


@pytest.mark.parametrize("unit", [1.0, 1e-13])
def test_heat_of_a_single_pixel_is_its_own(unit) -> None:
    saliency = torch.zeros(20, 20)
    saliency[3, 4] = unit
    assert drawing.heat(saliency)[3, 4] == drawing.heat(saliency).sum() == 1


@pytest.mark.parametrize("factor", [1.0, 1e-13])
@pytest.mark.parametrize("offset", [-4.0, 1.0])
def test_heat_of_maps_that_do_not_reach_zero_has_their_range(factor, offset) -> None:
    saliency = torch.linspace(0, 3, 1000).view(10, 100) + offset
    heat = drawing.heat(factor * saliency)
    expected = drawing.heat(torch.linspace(0, 3, 1000).view(10, 100))
    assert abs(heat - expected).max() < 1e-5


def test_overlay_is_brighter_where_saliency_is_high_and_darker_outside_the_crop() -> None:
    saliency = torch.zeros(20, 20)
    saliency[:10] = 1
    photo = torch.full((3, 20, 20), 0.5)
    whole = drawing.overlay(photo, saliency).astype(int)
    assert whole[:10].mean() > whole[10:].mean() + 50
    cropped = drawing.overlay(photo, saliency, Box(0, 5, 20, 10)).astype(int)
    assert (cropped[:, 5:15] == whole[:, 5:15]).all()
    assert cropped[:, :5].mean() < 0.5 * whole[:, :5].mean()


def test_texts_of_a_figure_are_never_tex(monkeypatch) -> None:
    def picture(make) -> bytes:
        content = BytesIO()
        drawing.save_figure(make(), content, 40)
        return content.getvalue()

    def plot() -> Figure:
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        axes.plot([1e-6, 3e-6], [1e5, 4e5], label=drawing.drawable("$x$"))
        axes.set_title(drawing.drawable(r"\input{/etc/passwd}"))
        axes.set_xticks([1e-6, 2e-6], ["a_b", "%"])
        axes.legend(title="#")
        axes.annotate("&", (1e-6, 2e5), (2e-6, 3e5))
        figure.supxlabel("{")
        return figure

    def refuse(*_arguments, **_settings):
        raise AssertionError("LaTeX was started")

    def maps() -> Figure:
        return drawing.overview(torch.rand(1, 3, 8, 8), torch.ones(1, 8, 8), [r"\input{a}"])

    monkeypatch.setattr(TexManager, "make_dvi", refuse)
    monkeypatch.setitem(mpl.rcParams, "text.usetex", True)
    assert picture(plot)
    assert picture(maps)
    maps().savefig(BytesIO(), format="png", dpi=40)  # as the figure of `Explanation.plot`
