"""What a person sees: overlays, panels, overviews; matplotlib is imported only to draw."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.images.framing import Box, Photo
from unsee.types import Images, Saliency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = NDArray[np.uint8]
INK, FAINT, PAPER = "#1d2433", "#8a93a6", "#ffffff"


def to_pixels(photo: Float[Tensor, "c h w"]) -> Pixels:
    """An 8-bit RGB picture (h, w, 3); one plane becomes grey, of many the first three are shown."""
    planes = photo.detach().cpu().clamp(0, 1)
    planes = planes[:3] if len(planes) >= 3 else planes[:1].expand(3, -1, -1)
    pixels: Pixels = (planes * 255).round().byte().permute(1, 2, 0).numpy()
    return pixels


def save_png(path: Path, photo: Float[Tensor, "c h w"] | Pixels) -> None:
    """Write a picture."""
    pixels = to_pixels(photo) if isinstance(photo, Tensor) else photo
    Image.fromarray(pixels).save(path)


def heat(saliency: Float[Tensor, "h w"]) -> NDArray[np.float32]:
    """A map as shown: from 0 (nothing, or against the class) to 1 (its 99.5th percentile)."""
    values = saliency.detach().cpu().float().numpy()
    low = max(float(values.min()), 0.0)
    high = float(np.quantile(values, 0.995))
    if high <= low:  # constant, or important in a handful of pixels only
        high = max(float(values.max()), low + 1e-9)
    shown: NDArray[np.float32] = ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    return shown


def overlay(photo: Photo, saliency: Float[Tensor, "h w"], box: Box | None = None) -> Pixels:
    """The photo in greys where nothing matters, in colour under a glow where it does.

    What lies outside `box`, which the classifier never saw, is darkened.
    """
    import matplotlib

    amount = heat(saliency)[..., None]
    colour = to_pixels(photo).astype(np.float32) / 255
    grey = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    base = 0.6 * grey[..., None] + 0.12
    glow = matplotlib.colormaps["inferno"](amount[..., 0])[..., :3].astype(np.float32)
    lit = 0.45 * colour + 0.65 * glow
    mixed = base + (lit - base) * np.sqrt(amount)
    if box is not None:
        unseen = np.ones(mixed.shape[:2], bool)
        unseen[box.top : box.top + box.height, box.left : box.left + box.width] = False
        mixed[unseen] *= 0.4
    pixels: Pixels = (mixed.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels


def overview(images: Images, saliency: Saliency, names: Sequence[str]) -> "Figure":
    """Images above their maps, one column each; `names` are their titles."""
    from matplotlib.figure import Figure

    count = len(images)
    figure = Figure(figsize=(2.6 * count, 5.4), layout="constrained", facecolor=PAPER)
    axes = figure.subplots(2, count, squeeze=False)
    for column, name in enumerate(names):
        show(axes[0, column], to_pixels(images[column]))
        show(axes[1, column], overlay(images[column], saliency[column]))
        axes[0, column].set_title(name, color=INK)
    return figure


def show(axes: "Axes", pixels: Pixels) -> None:
    """A picture without a frame."""
    axes.imshow(pixels, interpolation="lanczos")
    axes.set_axis_off()
