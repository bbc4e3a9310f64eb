"""The summary picture of a result. Matplotlib is imported only to draw."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from unsee.errors import printable
from unsee.images.drawing import (
    BACKGROUND_COLOUR,
    MUTED_COLOUR,
    TEXT_COLOUR,
    Pixels,
    drawable,
    overlay,
    show,
    to_pixels,
)
from unsee.images.framing import Photo
from unsee.results.assessment import INFILLED, Assessment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"original": "#1d2433", "removed": "#d1495b", "kept": "#2a9d8f"}
"""Colours of the three pictures that the classifier sees."""
CLASSES = 5
"""Number of classes in the bar chart."""
LINE_CHARACTERS = 17
"""Characters in a line of a class name; there are two lines."""
AREA_PROTOCOL = "rise"
"""Protocol of the areas that are written below the curves."""


def panel(assessment: Assessment, photo: Photo, heatmap: Pixels) -> "Figure":
    """Draw the photo, its map, the photo without and with only the top pixels, and the numbers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9.6), facecolor=BACKGROUND_COLOUR)
    rows = figure.add_gridspec(
        2, 1, height_ratios=[1.5, 1], left=0.025, right=0.985, top=0.845, bottom=0.07, hspace=0.4
    )
    deviation = assessment.study.explanation.deviation
    columns = 4 if deviation is None else 5
    pictures = rows[0].subgridspec(1, columns, wspace=0.05)
    axes = [figure.add_subplot(pictures[column]) for column in range(columns)]
    caption, *ends = _map_caption(assessment)
    titles = {key: _picture_title(assessment, key) for key in assessment.shares}
    _picture(axes[0], "Photo", to_pixels(photo))
    _probability(axes[0], assessment, "original")
    _picture(axes[1], caption, heatmap)
    _colour_bar(axes[1], *ends)
    if deviation is not None:
        _picture(axes[2], "Deviation between seeds", overlay(photo, deviation[0]))
        _colour_bar(axes[2], "low", "high")
    _picture(axes[-2], titles["removed"], to_pixels(assessment.removed[0]))
    _probability(axes[-2], assessment, "removed")
    _picture(axes[-1], titles["kept"], to_pixels(assessment.kept[0]))
    _probability(axes[-1], assessment, "kept")
    figure.text(0.025, 0.945, _title(assessment), fontsize=28, fontweight="bold", color=TEXT_COLOUR)
    figure.text(0.025, 0.905, drawable(assessment.subtitle), fontsize=13, color=MUTED_COLOUR)
    charts = rows[1].subgridspec(1, 2, width_ratios=[1.15, 1], wspace=0.12)
    _draw_bars(figure.add_subplot(charts[0]), assessment)
    _draw_curves(figure.add_subplot(charts[1]), assessment)
    return figure


def _shows_evidence(assessment: Assessment) -> bool:
    """Whether the map ranks pixels by importance, and not by the deviation of a network's masks."""
    return getattr(assessment.study.method, "reading", None) != "deviation"


def _map_caption(assessment: Assessment) -> tuple[str, str, str]:
    """Return the title of the map, and words for its lowest and highest values."""
    return assessment.study.method.caption


def _title(assessment: Assessment) -> str:
    name = _shortened(assessment.name, 40)
    if not _shows_evidence(assessment):
        return f"{_map_caption(assessment)[0]}: “{name}”"
    subject = "prediction" if assessment.predicts_target else "score of"
    if assessment.quantity == "value":
        subject = "value of"
    return f"What the {subject} “{name}” depends on"


def _picture_labels(assessment: Assessment) -> dict[str, str]:
    """Return the names of the three pictures that the classifier sees."""
    is_evidence = _shows_evidence(assessment)
    names = {
        key: "evidence" if is_evidence else f"top {share:.0%}"
        for key, share in assessment.shares.items()
    }
    return {
        "original": "photo",
        "removed": f"{names['removed']} removed",
        "kept": f"{names['kept']} only",
    }


def _picture_title(assessment: Assessment, key: str) -> str:
    """Return the title of the picture without, or with only, the top pixels."""
    label = _picture_labels(assessment)[key]
    share = f" (top {assessment.shares[key]:.0%})" if _shows_evidence(assessment) else ""
    return f"{label[0].upper()}{label[1:]}{share}"


def _shortened(name: str, length: int) -> str:
    """Return a name of at most `length` characters, which matplotlib draws as it is."""
    name = printable(name)
    return drawable(name if len(name) <= length else f"{name[: length - 1]}…")


def _picture(axes: "Axes", title: str, pixels: Pixels) -> None:
    show(axes, pixels)
    axes.set_title(title, color=TEXT_COLOUR, fontsize=13, pad=8)


def _probability(axes: "Axes", assessment: Assessment, key: str) -> None:
    """Write the probability of the class, and the predicted class, below a picture."""
    name = _shortened(assessment.name, 24)
    text = f"{name}  {assessment.in_words(assessment.target_probabilities[key])}"
    axes.text(
        0.5, -0.035, text, transform=axes.transAxes, ha="center", va="top",
        color=COLOURS[key], fontsize=16, fontweight="bold",
    )  # fmt: skip
    prediction = _shortened(assessment.prediction(key), 42)
    axes.text(
        0.5, -0.125, prediction, transform=axes.transAxes, ha="center", va="top",
        color=MUTED_COLOUR, fontsize=12,
    )  # fmt: skip


def _colour_bar(axes: "Axes", low: str, high: str) -> None:
    """Draw what the colours of a map mean."""
    from matplotlib import colormaps

    bar = axes.inset_axes((0.3, -0.075, 0.4, 0.028))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colormaps["inferno"], aspect="auto")
    bar.set_axis_off()
    for x, word, alignment in ((0.28, low, "right"), (0.72, high, "left")):
        axes.text(
            x, -0.062, word, transform=axes.transAxes, ha=alignment, va="center",
            color=MUTED_COLOUR, fontsize=12,
        )  # fmt: skip


def _draw_bars(axes: "Axes", assessment: Assessment) -> None:
    """Draw the probabilities of the classes that are most probable in any of the pictures."""
    classes = assessment.top_classes(CLASSES)
    offsets = {"original": -0.27, "removed": 0.0, "kept": 0.27}
    labels = _picture_labels(assessment)
    for key, offset in offsets.items():
        values = [assessment.probabilities[key][index].item() for index, _ in classes]
        places = [row + offset for row in range(len(classes))]
        axes.barh(places, values, height=0.25, color=COLOURS[key], label=labels[key])
        for place, value in zip(places, values, strict=True):
            is_small = assessment.quantity == "probability" and value < 0.01
            label = "<1%" if is_small else assessment.in_words(value)
            axes.text(
                max(value, 0) + 0.008, place, label, va="center", fontsize=9, color=COLOURS[key]
            )
    width = LINE_CHARACTERS
    names = [fill(_shortened(name, 2 * width), width) for _, name in classes]
    axes.set_yticks(range(len(classes)), names, fontsize=12, color=TEXT_COLOUR)
    axes.invert_yaxis()
    if assessment.quantity == "probability":
        axes.set_xlim(0, 1.08)
    axes.set_xticks([])
    title = {"probability": "Predicted probabilities", "value": "Values"}[assessment.quantity]
    axes.set_title(title, loc="left", color=TEXT_COLOUR, fontsize=14)
    axes.legend(frameon=False, loc="lower right", fontsize=11)
    _hide_frame(axes, x_axis=False)
    box = axes.get_position()
    axes.set_position((box.x0 + 0.09, box.y0, box.width - 0.09, box.height))


def _draw_curves(axes: "Axes", assessment: Assessment) -> None:
    """Draw the probability while pixels are removed, and while they are kept, as in the pictures.

    The curves pass through the probabilities of the pictures, which are marked.
    """
    labels = {"removed": "most important pixels removed", "kept": "most important pixels alone"}
    probabilities = assessment.target_probabilities
    for key, label in labels.items():
        share, scores, _ = assessment.picture_curves[key]
        axes.plot(share, scores[0], color=COLOURS[key], linewidth=2.5, label=label)
        axes.fill_between(share, scores[0], color=COLOURS[key], alpha=0.08)
        axes.plot(
            [assessment.shares[key]], [probabilities[key]], "o", color=COLOURS[key], markersize=8,
            markeredgecolor=BACKGROUND_COLOUR, clip_on=False, zorder=3,
        )  # fmt: skip
        place = assessment.shares[key]
        axes.axvline(place, color=COLOURS[key], linewidth=1, linestyle=":", zorder=0)
    axes.plot(
        [0, 1], [probabilities[INFILLED]] * 2, "D", color=MUTED_COLOUR, markersize=6, clip_on=False,
        label=f"photo wholly in-filled: {assessment.in_words(probabilities[INFILLED])}",
    )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    if assessment.quantity == "probability":
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter("{x:.0%}")
    areas = assessment.areas[AREA_PROTOCOL]
    numbers = ", ".join(f"{direction} {area:.3f}" for direction, area in areas.items())
    axes.set_xlabel(
        f"share of the pixels  (areas under protocol {AREA_PROTOCOL}: {numbers})",
        color=MUTED_COLOUR,
    )
    title = f"{assessment.quantity.capitalize()} of “{_shortened(assessment.name, 30)}”"
    axes.set_title(title, loc="left", color=TEXT_COLOUR, fontsize=14)
    axes.legend(frameon=False, loc="best", fontsize=11)
    _hide_frame(axes, x_axis=True)


def _hide_frame(axes: "Axes", *, x_axis: bool) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(side == "bottom" and x_axis)
    axes.spines["bottom"].set_color("#d5d9e2")
    axes.tick_params(colors=MUTED_COLOUR, length=0)
    for label in axes.get_yticklabels():
        label.set_color(MUTED_COLOUR if x_axis else TEXT_COLOUR)
