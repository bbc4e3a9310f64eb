"""What a person sees: overlays, panels, overviews; matplotlib is imported only to draw."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.framing import Box, Photo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unsee.explanation import Explanation
    from unsee.results import Findings

Pixels = NDArray[np.uint8]
INK, FAINT, PAPER = "#1d2433", "#8a93a6", "#ffffff"
TINTS = {"original": "#1d2433", "removed": "#d1495b", "kept": "#2a9d8f"}
"""One colour for each of the three pictures that the classifier was asked about."""


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


def overview(explanation: "Explanation") -> "Figure":
    """Images above their maps, one column each."""
    from matplotlib.figure import Figure

    count = len(explanation)
    figure = Figure(figsize=(2.6 * count, 5.4), layout="constrained", facecolor=PAPER)
    axes = figure.subplots(2, count, squeeze=False)
    targets = explanation.provenance.get("target", [])
    names = targets if isinstance(targets, list) else [targets]
    for column in range(count):
        image = explanation.images[column]
        _show(axes[0, column], to_pixels(image))
        _show(axes[1, column], overlay(image, explanation.saliency[column]))
        if column < len(names):
            axes[0, column].set_title(names[column]["name"], color=INK)
    return figure


def panel(findings: "Findings", original: Photo, heatmap: Pixels) -> "Figure":
    """One picture that says it all: photo, evidence, without it, with it alone; and the numbers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9.6), facecolor=PAPER)
    rows = figure.add_gridspec(
        2, 1, height_ratios=[1.5, 1], left=0.025, right=0.985, top=0.845, bottom=0.07, hspace=0.4
    )
    pictures = rows[0].subgridspec(1, 4, wspace=0.05)
    share = f"{findings.share:.0%}"
    p = findings.chances
    captions = (
        ("The photo", to_pixels(original), "original", p["original"]),
        ("What the answer rests on", heatmap, None, None),
        (f"Without the top {share}", to_pixels(findings.removed[0]), "removed", p["removed"]),
        (f"With nothing but the top {share}", to_pixels(findings.kept[0]), "kept", p["kept"]),
    )
    for column, (title, pixels, key, chance) in enumerate(captions):
        axes = figure.add_subplot(pictures[column])
        _show(axes, pixels)
        axes.set_title(title, color=INK, fontsize=14, pad=8)
        if key and chance is not None:
            text = f"{findings.name}  {chance:.0%}"
            axes.text(
                0.5, -0.035, text, transform=axes.transAxes, ha="center", va="top",
                color=TINTS[key], fontsize=16, fontweight="bold",
            )  # fmt: skip
            axes.text(
                0.5, -0.125, findings.verdict(key), transform=axes.transAxes, ha="center", va="top",
                color=FAINT, fontsize=12,
            )  # fmt: skip
        else:
            _scale(axes)
    figure.text(0.025, 0.945, f"Why “{findings.name}”?", fontsize=30, fontweight="bold", color=INK)
    figure.text(0.025, 0.905, findings.subtitle, fontsize=13, color=FAINT)
    numbers = rows[1].subgridspec(1, 2, width_ratios=[1.15, 1], wspace=0.12)
    _bars(figure.add_subplot(numbers[0]), findings)
    _curves(figure.add_subplot(numbers[1]), findings)
    return figure


def _show(axes: "Axes", pixels: Pixels) -> None:
    axes.imshow(pixels, interpolation="lanczos")
    axes.set_axis_off()


def _scale(axes: "Axes") -> None:
    """What the colours of the map mean."""
    from matplotlib import colormaps

    bar = axes.inset_axes((0.3, -0.075, 0.4, 0.028))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colormaps["inferno"], aspect="auto")
    bar.set_axis_off()
    for place, word, side in ((0.28, "no matter", "right"), (0.72, "decisive", "left")):
        axes.text(
            place, -0.062, word, transform=axes.transAxes, ha=side, va="center",
            color=FAINT, fontsize=12,
        )  # fmt: skip


def _bars(axes: "Axes", findings: "Findings") -> None:
    """What the classifier says to each of the three pictures: the classes that ever lead."""
    classes = findings.leading(5)
    offsets = {"original": -0.27, "removed": 0.0, "kept": 0.27}
    words = {"original": "photo", "removed": "evidence removed", "kept": "evidence only"}
    for key, offset in offsets.items():
        values = [findings.probabilities[key][index].item() for index, _ in classes]
        places = [row + offset for row in range(len(classes))]
        axes.barh(places, values, height=0.25, color=TINTS[key], label=words[key])
        for place, value in zip(places, values, strict=True):
            label = f"{value:.0%}" if value >= 0.01 else "<1%"
            axes.text(value + 0.008, place, label, va="center", fontsize=9, color=TINTS[key])
    axes.set_yticks(range(len(classes)), [name for _, name in classes], fontsize=12, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xticks([])
    axes.set_title("What the classifier answers", loc="left", color=INK, fontsize=14)
    axes.legend(frameon=False, loc="lower right", fontsize=11)
    _plain(axes, left=False)
    box = axes.get_position()
    axes.set_position((box.x0 + 0.09, box.y0, box.width - 0.09, box.height))


def _curves(axes: "Axes", findings: "Findings") -> None:
    """Probability along the ranking, both ways."""
    words = {
        "deletion": ("removed", "best pixels removed first"),
        "insertion": ("kept", "best pixels shown first"),
    }
    for direction, (key, label) in words.items():
        share, scores = findings.curves["rise", direction]
        area = findings.areas["rise"][direction]
        axes.plot(
            share.cpu(), scores[0].cpu(), color=TINTS[key], linewidth=2.5,
            label=f"{direction} {area:.3f}: {label}",
        )  # fmt: skip
        axes.fill_between(share.cpu(), scores[0].cpu(), color=TINTS[key], alpha=0.08)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("share of the pixels", color=FAINT)
    axes.set_title(
        f"Probability of “{findings.name}”  (protocol rise)", loc="left", color=INK, fontsize=14
    )
    axes.legend(frameon=False, loc="upper right", fontsize=11)
    _plain(axes, left=True)


def _plain(axes: "Axes", *, left: bool) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(side == "bottom" and left)
    axes.spines["bottom"].set_color("#d5d9e2")
    axes.tick_params(colors=FAINT, length=0)
    for label in axes.get_yticklabels():
        label.set_color(INK if not left else FAINT)
