"""The summary picture of a result. Matplotlib is imported only to draw."""

from textwrap import fill, wrap
from typing import TYPE_CHECKING

import numpy as np

from unsee.classifiers.measures import Against
from unsee.errors import printable
from unsee.images.drawing import (
    BACKGROUND_COLOUR,
    MUTED_COLOUR,
    TEXT_COLOUR,
    Pixels,
    drawable,
    fitting_size,
    overlay,
    show,
    to_pixels,
)
from unsee.images.framing import Photo
from unsee.results.assessment import INFILLED, Assessment
from unsee.results.values import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"original": "#1d2433", "removed": "#d1495b", "kept": "#2a9d8f"}
"""Colours of the three pictures that the classifier sees."""
NOTE_COLOUR = "#b4232f"
"""Colour of a note that the map shows no evidence."""
WIDTH, MARGIN = 15.36, 0.05
"""Width of the drawing in inches, and margin between pictures as a share of their side."""
HEAD, GAP, CHART, FOOT = 1.49, 1.24, 2.48, 0.67
"""Height above the pictures with one line below the title, between pictures and charts, of the
charts, and below them; in inches."""
LABEL_WIDTH, CURVES_WIDTH = 1.4, 6.7
"""Width of the class names beside the bars, and of the curves, in inches."""
LINE_HEIGHT = 0.27
"""Height of each further line below the title, in inches."""
HEAD_CHARACTERS, MAX_NOTE_LINES = 145, 5
"""Characters in a line of a note, and the number of its lines."""
CLASSES = 5
"""Number of classes in the bar chart."""
LINE_CHARACTERS = 17
"""Characters in a line of a class name; there are two lines."""
AREA_PROTOCOL = "rise"
"""Protocol of the areas that are written below the curves."""


def panel(assessment: Assessment, photo: Photo, heatmap: Pixels) -> "Figure":
    """Draw the photo, its map, the photo without and with only the top pixels, and the numbers."""
    from unsee.images.figure import Figure

    lines = _head_lines(assessment)
    deviation = assessment.study.explanation.deviation
    columns = 4 if deviation is None else 5
    side = WIDTH / (columns + MARGIN * (columns - 1))
    head = HEAD + LINE_HEIGHT * (len(lines) - 1)
    height = head + side + GAP + CHART + FOOT
    figure = Figure(figsize=(16, height), facecolor=BACKGROUND_COLOUR)
    rows = figure.add_gridspec(
        2, 1, left=0.025, right=0.985, height_ratios=[side, CHART], hspace=2 * GAP / (side + CHART),
        top=1 - head / height, bottom=FOOT / height,
    )  # fmt: skip
    pictures = rows[0].subgridspec(1, columns, wspace=MARGIN)
    axes = [figure.add_subplot(pictures[column]) for column in range(columns)]
    caption, *ends = _map_caption(assessment)
    titles = {key: picture_title(assessment, key) for key in assessment.shares}
    _picture(axes[0], "Photo", to_pixels(photo))
    _probability(axes[0], assessment, "original", side)
    _picture(axes[1], caption, heatmap)
    _colour_bar(axes[1], side, *ends)
    if deviation is not None:
        _picture(axes[2], "Deviation between seeds", overlay(photo, deviation[0]))
        _colour_bar(axes[2], side, "low", "high")
    _picture(axes[-2], titles["removed"], to_pixels(assessment.removed[0]))
    _probability(axes[-2], assessment, "removed", side)
    _picture(axes[-1], titles["kept"], to_pixels(assessment.kept[0]))
    _probability(axes[-1], assessment, "kept", side)
    _write_head(figure, heading(assessment), lines)
    charts = rows[1].subgridspec(1, 2, width_ratios=[1.15, 1], wspace=0.12)
    _draw_bars(figure.add_subplot(charts[0]), assessment)
    _draw_curves(figure.add_subplot(charts[1]), assessment)
    return figure


def curves_figure(assessment: Assessment) -> "Figure":
    """Draw the curves of removing and keeping alone."""
    from unsee.images.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained", facecolor=BACKGROUND_COLOUR)
    _draw_curves(figure.subplots(), assessment)
    return figure


def _write_head(figure: "Figure", title: str, lines: list[tuple[str, str]]) -> None:
    """Write the title and the lines below it."""
    height = figure.get_figheight()
    top = 1 - 0.53 / height
    size = fitting_size(title, 28, WIDTH, "bold")
    figure.text(0.025, top, title, fontsize=size, fontweight="bold", color=TEXT_COLOUR)
    for number, (line, colour) in enumerate(lines):
        place = 1 - (0.91 + LINE_HEIGHT * number) / height
        size = fitting_size(line, 13, WIDTH)
        figure.text(0.025, place, drawable(line), fontsize=size, color=colour)


def _head_lines(assessment: Assessment) -> list[tuple[str, str]]:
    """Return the lines below the title with their colours."""
    lines = [(assessment.subtitle, MUTED_COLOUR)]
    if assessment.variation is not None:
        lines.append((assessment.variation.line(), TEXT_COLOUR))
    note = assessment.note[:1].upper() + assessment.note[1:]
    note_lines = wrap(note, HEAD_CHARACTERS, max_lines=MAX_NOTE_LINES, placeholder=" …")
    return lines + [(line, NOTE_COLOUR) for line in note_lines]


def _map_caption(assessment: Assessment) -> tuple[str, str, str]:
    """Return the title of the map, and words for its lowest and highest values."""
    return assessment.study.method.caption


def heading(assessment: Assessment) -> str:
    """Return the title of a result: what the picture explains."""
    name = _shortened(assessment.name, 40)
    if not assessment.study.method.shows_evidence:
        return f"{_map_caption(assessment)[0]}: “{name}”"
    measure = assessment.study.score.measure
    if isinstance(measure, Against):
        other = assessment.study.score.classifier.label(measure.index)
        return f"Why “{_shortened(name, 30)}” and not “{_shortened(other, 30)}”"
    subject = "prediction" if assessment.predicts_target else "score of"
    if assessment.quantity == "value":
        subject = "value of"
    return f"What the {subject} “{name}” depends on"


def _shows_evidence(assessment: Assessment) -> bool:
    """Whether the top pixels of the map are evidence for the class."""
    return assessment.study.method.shows_evidence and not assessment.note


def picture_labels(assessment: Assessment) -> dict[str, str]:
    """Return the names of the three pictures that the classifier sees."""
    is_evidence = _shows_evidence(assessment)
    names = {
        key: "evidence" if is_evidence else f"top {percent(share)}"
        for key, share in assessment.shares.items()
    }
    return {
        "original": "photo",
        "removed": f"{names['removed']} removed",
        "kept": f"{names['kept']} only",
    }


def picture_title(assessment: Assessment, key: str) -> str:
    """Return the title of the picture without, or with only, the top pixels."""
    label = picture_labels(assessment)[key]
    share = f" (top {percent(assessment.shares[key])})" if _shows_evidence(assessment) else ""
    return f"{label[0].upper()}{label[1:]}{share}"


def _shortened(name: str, length: int) -> str:
    """Return a name of at most `length` characters, which matplotlib draws as it is."""
    name = printable(name)
    return drawable(name if len(name) <= length else f"{name[: length - 1]}…")


def _picture(axes: "Axes", title: str, pixels: Pixels) -> None:
    show(axes, pixels)
    axes.set_title(title, color=TEXT_COLOUR, fontsize=13, pad=8)


def _probability(axes: "Axes", assessment: Assessment, key: str, side: float) -> None:
    """Write the probability of the class, and the predicted class, below a picture.

    `side` is that of the picture, in inches.
    """
    name = _shortened(assessment.name, 24)
    text = f"{name}  {assessment.in_words(assessment.target_probabilities[key])}"
    axes.text(
        0.5, -0.035, text, transform=axes.transAxes, ha="center", va="top",
        color=COLOURS[key], fontsize=fitting_size(text, 16, side, "bold"), fontweight="bold",
    )  # fmt: skip
    prediction = _shortened(assessment.prediction(key), 42)
    axes.text(
        0.5, -0.125, prediction, transform=axes.transAxes, ha="center", va="top",
        color=MUTED_COLOUR, fontsize=fitting_size(prediction, 12, side),
    )  # fmt: skip


def _colour_bar(axes: "Axes", side: float, low: str, high: str) -> None:
    """Draw what the colours of a map mean; `side` is that of the picture, in inches."""
    from matplotlib import colormaps

    bar = axes.inset_axes((0.3, -0.075, 0.4, 0.028))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colormaps["inferno"], aspect="auto")
    bar.set_axis_off()
    size = min(fitting_size(word, 12, 0.28 * side) for word in (low, high))
    for x, word, alignment in ((0.28, low, "right"), (0.72, high, "left")):
        axes.text(
            x, -0.062, word, transform=axes.transAxes, ha=alignment, va="center",
            color=MUTED_COLOUR, fontsize=size,
        )  # fmt: skip


def _draw_bars(axes: "Axes", assessment: Assessment) -> None:
    """Draw the probabilities of the classes that are most probable in any of the pictures."""
    classes = assessment.top_classes(CLASSES)
    offsets = {"original": -0.27, "removed": 0.0, "kept": 0.27}
    labels = picture_labels(assessment)
    for key, offset in offsets.items():
        values = [assessment.probabilities[key][index].item() for index, _ in classes]
        places = [row + offset for row in range(len(classes))]
        axes.barh(places, values, height=0.25, color=COLOURS[key], label=labels[key])
        for place, value in zip(places, values, strict=True):
            axes.text(
                max(value, 0) + 0.008, place, assessment.in_words(value), va="center", fontsize=9,
                color=COLOURS[key],
            )  # fmt: skip
    width = LINE_CHARACTERS
    names = [
        fill(_shortened(name, 2 * width), width, max_lines=2, placeholder="…")
        for _, name in classes
    ]
    sizes = [fitting_size(line, 12, LABEL_WIDTH) for name in names for line in name.splitlines()]
    axes.set_yticks(range(len(classes)), names, fontsize=min(sizes), color=TEXT_COLOUR)
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
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")  # 100 % lies within the figure
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
    size = fitting_size(title, 14, CURVES_WIDTH)
    axes.set_title(title, loc="left", color=TEXT_COLOUR, fontsize=size)
    axes.legend(loc="best", fontsize=11, facecolor=BACKGROUND_COLOUR, edgecolor="none")
    _hide_frame(axes, x_axis=True)


def _hide_frame(axes: "Axes", *, x_axis: bool) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(side == "bottom" and x_axis)
    axes.spines["bottom"].set_color("#d5d9e2")
    axes.tick_params(colors=MUTED_COLOUR, length=0, pad=8)
    for label in axes.get_yticklabels():
        label.set_color(MUTED_COLOUR if x_axis else TEXT_COLOUR)
