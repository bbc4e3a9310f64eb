"""Draw maps over photos. matplotlib is imported inside the functions that need it."""

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.errors import printable
from unsee.images.framing import Box, Photo
from unsee.saliency import base_level
from unsee.types import Images, Saliency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = NDArray[np.uint8]
TEXT_COLOUR = "#1d2433"
MUTED_COLOUR = "#8a93a6"
BACKGROUND_COLOUR = "#ffffff"
"""Colours of text, secondary text and background in figures."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey version of a photo (ITU-R BT.601)."""
HINTING = 0.92
"""Narrowest text without hinting, as a share of its width when it is drawn."""
STRIP_PIXELS = 2**21
"""Pixels that are converted at a time."""


def to_pixels(photo: Float[Tensor, "c h w"]) -> Pixels:
    """Return an 8-bit RGB picture (h, w, 3).

    Fewer than three channels give a grey picture of the first one; of more than three channels the
    first three are shown.
    """
    planes = photo.detach().cpu()
    planes = planes[:3] if len(planes) >= 3 else planes[:1].expand(3, -1, -1)
    pixels: Pixels = np.empty((*planes.shape[1:], 3), np.uint8)
    for rows in strips(*planes.shape[1:]):
        part = (planes[:, rows].clamp(0, 1) * 255).round().byte()
        pixels[rows] = part.permute(1, 2, 0).numpy()
    return pixels


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield rows of a few megapixels, so that temporary copies of a large photo stay small."""
    step = max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, top + step)


def save_png(path: Path, photo: Float[Tensor, "c h w"] | Pixels) -> None:
    """Write a picture, a tensor in [0, 1] or 8-bit pixels, as a PNG file."""
    pixels = to_pixels(photo) if isinstance(photo, Tensor) else photo
    Image.fromarray(pixels).save(path)


def heat(saliency: Float[Tensor, "h w"]) -> NDArray[np.float32]:
    """Return a map scaled to [0, 1] for display.

    0 is zero for maps with values on both sides of it, and otherwise the minimum, as
    `unsee.saliency.base_level` says. 1 is the 99.5th percentile, so that few extreme pixels do not
    hide the rest.
    """
    plane = saliency.detach().cpu().float()
    low, values = base_level(plane), plane.numpy()
    high = float(np.quantile(values, 0.995))
    if high <= low:  # constant, or non-zero in a few pixels only
        high = float(values.max())
    range_ = high - low if high > low else 1.0
    scaled: NDArray[np.float32] = ((values - low) / range_).clip(0, 1).astype(np.float32)
    return scaled


def overlay(photo: Photo, saliency: Float[Tensor, "h w"], box: Box | None = None) -> Pixels:
    """Return the photo in dark greys where saliency is low, in colour with a glow where it is high.

    Pixels outside of `box`, the part of the photo that the classifier gets, are darkened.
    """
    import matplotlib

    amount = heat(saliency)
    pixels: Pixels = np.empty((*amount.shape, 3), np.uint8)
    outside = np.zeros(amount.shape, bool)
    if box is not None:
        outside[:] = True
        outside[box.top : box.top + box.height, box.left : box.left + box.width] = False
    inferno = matplotlib.colormaps["inferno"]
    for rows in strips(*amount.shape):
        colour = to_pixels(photo[:, rows]).astype(np.float32) / 255
        grey = colour @ np.array(LUMA, np.float32)
        base = 0.6 * grey[..., None] + 0.12
        glow = inferno(amount[rows])[..., :3].astype(np.float32)
        highlighted = 0.45 * colour + 0.65 * glow
        picture = base + (highlighted - base) * np.sqrt(amount[rows, :, None])
        picture[outside[rows]] *= 0.4
        pixels[rows] = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels


def drawable(text: str) -> str:
    """Return a text that matplotlib draws as it is: in one line, without formulas."""
    return printable(text).replace("$", r"\$")


def fitting_size(text: str, size: float, inches: float, weight: str = "normal") -> float:
    """Return the largest font size, up to `size`, at which a line is at most this wide."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(weight=weight, size=size)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        plain = text.replace(r"\$", "$")  # as `drawable` wrote it
        width, _, _ = text_to_path.get_text_width_height_descent(plain, font, ismath=False)
    return min(size, HINTING * size * 72 * inches / max(width, 1.0))


def without_tex(figure: "Figure") -> "Figure":
    """Return a figure whose texts are never TeX, which runs commands in the names of a stranger.

    A `matplotlibrc` with `text.usetex: True`, or a program that sets it, would make them so.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_usetex(False)
    return figure


def save_figure(figure: "Figure", file: Path | BytesIO, dpi: int) -> None:
    """Write a figure as PNG; letters that the font lacks, such as Chinese ones, become boxes."""
    without_tex(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(file, format="png", dpi=dpi)


def overview(images: Images, saliency: Saliency, names: Sequence[str]) -> "Figure":
    """Return a figure of images above their maps, one column per image, titled with `names`."""
    from unsee.images.figure import Figure

    count = len(images)
    figure = Figure(figsize=(2.6 * count, 5.4), layout="constrained", facecolor=BACKGROUND_COLOUR)
    axes = figure.subplots(2, count, squeeze=False)
    for column, name in enumerate(names):
        show(axes[0, column], to_pixels(images[column]))
        show(axes[1, column], overlay(images[column], saliency[column]))
        axes[0, column].set_title(drawable(name), color=TEXT_COLOUR)
    return without_tex(figure)


def show(axes: "Axes", pixels: Pixels) -> None:
    """Draw a picture without axes."""
    axes.imshow(pixels, interpolation="lanczos")
    axes.set_axis_off()
