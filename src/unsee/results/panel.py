"""The one picture that says it all. Matplotlib is imported only to draw."""

from textwrap import fill, shorten
from typing import TYPE_CHECKING

import numpy as np

from unsee.images.drawing import FAINT, INK, PAPER, Pixels, overlay, show, to_pixels
from unsee.images.framing import Photo
from unsee.results.assessment import Assessment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TINTS = {"original": "#1d2433", "removed": "#d1495b", "kept": "#2a9d8f"}
"""One colour for each of the three pictures that the classifier was asked about."""

LINE = 17
"""Characters of a class's name in a line; there are two."""


def panel(findings: Assessment, original: Photo, heatmap: Pixels) -> "Figure":
    """One picture that says it all: photo, evidence, without it, with it alone; and the numbers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9.6), facecolor=PAPER)
    rows = figure.add_gridspec(
        2, 1, height_ratios=[1.5, 1], left=0.025, right=0.985, top=0.845, bottom=0.07, hspace=0.4
    )
    title, *words = findings.study.method.caption
    share = f"{findings.share:.0%}"
    p = findings.target_probabilities
    captions: list[tuple[str, Pixels, str | list[str]]] = [
        ("The photo", to_pixels(original), "original"),
        (title, heatmap, words),
        (f"Without the top {share}", to_pixels(findings.removed[0]), "removed"),
        (f"With nothing but the top {share}", to_pixels(findings.kept[0]), "kept"),
    ]
    spread = findings.study.explanation.deviation
    if spread is not None:
        doubt = overlay(original, spread[0])
        captions.insert(2, ("Where runs disagree", doubt, ["sure", "unsure"]))
    pictures = rows[0].subgridspec(1, len(captions), wspace=0.05)
    for column, (caption, pixels, below) in enumerate(captions):
        axes = figure.add_subplot(pictures[column])
        show(axes, pixels)
        axes.set_title(caption, color=INK, fontsize=14, pad=8)
        if isinstance(below, str):
            text, verdict = f"{findings.name}  {p[below]:.0%}", findings.verdict(below)
            axes.text(
                0.5, -0.035, text, transform=axes.transAxes, ha="center", va="top",
                color=TINTS[below], fontsize=16, fontweight="bold",
            )  # fmt: skip
            axes.text(
                0.5, -0.125, verdict, transform=axes.transAxes, ha="center", va="top",
                color=FAINT, fontsize=12,
            )  # fmt: skip
        else:
            _scale(axes, *below)
    figure.text(0.025, 0.945, f"Why “{findings.name}”?", fontsize=30, fontweight="bold", color=INK)
    figure.text(0.025, 0.905, findings.subtitle, fontsize=13, color=FAINT)
    numbers = rows[1].subgridspec(1, 2, width_ratios=[1.15, 1], wspace=0.12)
    _bars(figure.add_subplot(numbers[0]), findings)
    _curves(figure.add_subplot(numbers[1]), findings)
    return figure


def _scale(axes: "Axes", low: str, high: str) -> None:
    """What the colours of the map mean."""
    from matplotlib import colormaps

    bar = axes.inset_axes((0.3, -0.075, 0.4, 0.028))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colormaps["inferno"], aspect="auto")
    bar.set_axis_off()
    for place, word, side in ((0.28, low, "right"), (0.72, high, "left")):
        axes.text(
            place, -0.062, word, transform=axes.transAxes, ha=side, va="center",
            color=FAINT, fontsize=12,
        )  # fmt: skip


def _bars(axes: "Axes", findings: Assessment) -> None:
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
    names = [fill(shorten(name, 2 * LINE, placeholder="…"), LINE) for _, name in classes]
    axes.set_yticks(range(len(classes)), names, fontsize=12, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xticks([])
    axes.set_title("What the classifier answers", loc="left", color=INK, fontsize=14)
    axes.legend(frameon=False, loc="lower right", fontsize=11)
    _plain(axes, left=False)
    box = axes.get_position()
    axes.set_position((box.x0 + 0.09, box.y0, box.width - 0.09, box.height))


def _curves(axes: "Axes", findings: Assessment) -> None:
    """Probability along the ranking, both ways."""
    words = {
        "deletion": ("removed", "best pixels removed first"),
        "insertion": ("kept", "best pixels shown first"),
    }
    for direction, (key, label) in words.items():
        share, scores, _ = findings.curves["rise", direction]
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
    axes.legend(frameon=False, loc="best", fontsize=11)
    _plain(axes, left=True)


def _plain(axes: "Axes", *, left: bool) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(side == "bottom" and left)
    axes.spines["bottom"].set_color("#d5d9e2")
    axes.tick_params(colors=FAINT, length=0)
    for label in axes.get_yticklabels():
        label.set_color(INK if not left else FAINT)
