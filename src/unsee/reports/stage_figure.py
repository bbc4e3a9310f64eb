"""The summary of several stages as a picture: a row for each method, a column for each test."""

from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from unsee.errors import cut
from unsee.images.drawing import BACKGROUND_COLOUR, MUTED_COLOUR, TEXT_COLOUR, drawable
from unsee.reports.stages import DASH, Row, StagedResults, SummaryTest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.4
"""Width of the picture in inches, that of a page; it is wider for more than sixteen columns."""
ROW, GAP = 0.158, 0.05
"""Height of a row, and space between columns of two stages, in inches."""
MIN_COLUMN, MAX_COLUMN, UPRIGHT = 0.385, 1.3, 0.85
"""Width of a column in inches; the titles of columns narrower than the last stand upright."""
FOOT = 0.62
"""Height of the numbers below the columns and of the legend, in inches."""
TEXT, SMALL = 7.0, 5.6
"""Sizes of names and titles, and of numbers, in points."""
LABEL_CHARACTERS, TITLE_CHARACTERS, TITLE_LINES = 24, 27, 3
CHARACTER = 0.056
"""Width of a character of a name or a title, in inches."""
LINE = 0.115
"""Height of a line of a title, in inches."""
DPI = 220
"""Resolution of the file."""
MARGIN = 0.09
"""Share of a column's axis that stays free at either end."""
APART, EDGE = 0.6, 0.18
"""Shares of a column's axis: least distance of the two numbers on it, and what is near its end."""
OTHER, DEFAULT, BEST, NUMBERS = "#4f5b6e", "#0072b2", "#d55e00", "#4f5b6e"
"""Colours of means (Okabe & Ito, 2008); the best and the default differ in form or band, too."""
BAND, DEFAULT_BAND = "#f3f4f7", "#d9ebf7"
LEGEND = f"Further right is better in every column. Bars are 95 % intervals; {DASH} has no number."


def summary(results: StagedResults) -> "Figure":
    """Draw the mean and the interval of each method in each test, on the test's own axis."""
    from unsee.images.figure import Figure

    rows, tests = results.rows, results.tests
    labels = [_label(results, row) for row in rows]
    left = CHARACTER * max(map(len, labels)) + 0.12
    column = min(max((WIDTH - left - 0.1) / len(tests) - GAP, MIN_COLUMN), MAX_COLUMN)
    upright = column < UPRIGHT
    characters = TITLE_CHARACTERS if upright else int(column / CHARACTER)
    titles = [_title(test, characters, TITLE_LINES if upright else 6) for test in tests]
    longest = CHARACTER * max(len(line) for title in titles for line in title)
    head = 0.14 + (longest if upright else LINE * max(map(len, titles)))
    offsets = _offsets(tests, column)
    width, body = max(left + offsets[-1] + column + 0.1, WIDTH / 1.5), ROW * len(rows)
    height = head + body + FOOT
    figure = Figure((width, height), facecolor=BACKGROUND_COLOUR)
    _draw_rows(figure, results, labels, (left, FOOT, width, height))
    for test, title, offset in zip(tests, titles, offsets, strict=True):
        box = ((left + offset) / width, FOOT / height, column / width, body / height)
        axes = figure.add_axes(box)
        _draw_column(axes, results, test)
        axes.set_title(
            "\n".join(title), fontsize=TEXT, color=TEXT_COLOUR, pad=4, linespacing=1.05,
            rotation=90 if upright else 0, verticalalignment="bottom",
            multialignment="left" if upright else "center",
        )  # fmt: skip
    _draw_legend(figure, results, height)
    return figure


def _label(results: StagedResults, row: Row) -> str:
    text = cut(results.label(row), LABEL_CHARACTERS)
    return drawable(f"{text} (default)" if results.is_default(row) else text)


def _title(test: SummaryTest, characters: int, count: int) -> list[str]:
    """Return the lines of a title; the arrow stays with the last word."""
    heading = drawable(test.heading).removesuffix(f" {test.arrow}") + f"\u00a0{test.arrow}"
    lines = wrap(heading, characters)
    if len(lines) > count:
        last = cut(lines[count - 1], characters - 6)
        lines = [*lines[: count - 1], f"{last} ...\u00a0{test.arrow}"]
    return lines


def _offsets(tests: list[SummaryTest], column: float) -> list[float]:
    """Return the left edge of each column in inches; stages are set apart."""
    offsets, at = [], 0.0
    for number, test in enumerate(tests):
        at += GAP if number and test.stage != tests[number - 1].stage else 0
        offsets.append(at)
        at += column
    return offsets


def _draw_rows(
    figure: "Figure", results: StagedResults, labels: list[str],
    place: tuple[float, float, float, float],
) -> None:  # fmt: skip
    """Draw the names of the methods and a band behind every other row."""
    left, foot, width, height = place
    body = ROW * len(labels)
    axes = figure.add_axes((0, foot / height, 1, body / height))
    axes.set_xlim(0, width)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.axis("off")
    for number, (row, label) in enumerate(zip(results.rows, labels, strict=True)):
        is_default = results.is_default(row)
        if is_default or number % 2:
            colour = DEFAULT_BAND if is_default else BAND
            axes.axhspan(number - 0.5, number + 0.5, color=colour, linewidth=0)
        axes.text(
            left - 0.06, number, label, fontsize=TEXT, horizontalalignment="right",
            verticalalignment="center_baseline", color=TEXT_COLOUR,
            fontweight="bold" if is_default else "normal",
        )  # fmt: skip


def _draw_column(axes: "Axes", results: StagedResults, test: SummaryTest) -> None:
    """Draw all means of a test; better numbers are on the right."""
    rows, chance, best = results.rows, results.chance(test), results.best(test)
    means = [results.mean(row, test) for row in rows]
    ends = [value for mean in means if mean for value in mean[:3] if value == value]  # not NaN
    ends += [] if chance is None else [chance]
    if chance is not None:
        axes.axvline(chance, color=MUTED_COLOUR, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    for number, (row, mean) in enumerate(zip(rows, means, strict=True)):
        if mean is None:
            axes.text(
                0.5, number, DASH, transform=axes.get_yaxis_transform(), fontsize=9,
                color=NUMBERS, horizontalalignment="center", verticalalignment="center",
            )  # fmt: skip
            continue
        colour = DEFAULT if results.is_default(row) else OTHER
        colour, marker, size = (BEST, "D", 4.4) if row in best else (colour, "o", 3.4)
        if mean.has_interval:
            axes.plot([mean.low, mean.high], [number] * 2, color=colour, linewidth=1.1, zorder=2)
        axes.plot(
            mean.value, number, marker=marker, markersize=size, color=colour,
            markeredgecolor="white", markeredgewidth=0.4, zorder=3,
        )  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _set_axis(axes, ends, test)
    counts = sorted({mean.photos for mean in means if mean})
    count = f"n = {counts[0]}" if counts else "n = 0"
    axes.set_xlabel(
        count if len(counts) < 2 else f"{count}{DASH}{counts[-1]}", fontsize=SMALL, color=NUMBERS,
        labelpad=1.5,
    )  # fmt: skip


def _set_axis(axes: "Axes", ends: list[float], test: SummaryTest) -> None:
    """Set the limits of a column's axis, and two round numbers on it."""
    from matplotlib.ticker import MaxNLocator

    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    margin = MARGIN * (high - low)
    limits = (low - margin, high + margin)
    axes.set_xlim(limits if test.higher_is_better else limits[::-1])
    ticks: list[float] = []
    for count in range(3, 7):  # until the two numbers are far enough apart
        values = [t for t in MaxNLocator(count).tick_values(low, high) if low <= t <= high]
        ticks = [values[0], values[-1]] if len(values) > 1 else values
        if len(ticks) > 1 and ticks[1] - ticks[0] > APART * (high - low):
            break
    axes.set_xticks(ticks, [_number(tick) for tick in ticks], fontsize=SMALL)
    left, right = axes.get_xlim()
    for tick, label in zip(ticks, axes.get_xticklabels(), strict=True):
        label.set_horizontalalignment(_alignment((tick - left) / (right - left)))
    axes.set_yticks([])
    axes.tick_params(axis="x", length=2, pad=1.5, color=MUTED_COLOUR, labelcolor=TEXT_COLOUR)
    axes.patch.set_alpha(0)
    axes.spines[["top"]].set_visible(False)
    axes.spines[["left", "right", "bottom"]].set_color("#d9dde5")
    axes.spines[["left", "right", "bottom"]].set_linewidth(0.6)


def _alignment(place: float) -> Literal["left", "center", "right"]:
    """Return how a number is aligned so that it stays within its column; 0 is the left edge."""
    if place < EDGE:
        return "left"
    return "right" if place > 1 - EDGE else "center"


def _number(value: float) -> str:
    """Return a short number: without the zero before its point, in thousands (5k)."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value / 1000:.3g}k"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _draw_legend(figure: "Figure", results: StagedResults, height: float) -> None:
    from matplotlib.lines import Line2D

    def mark(marker: str, colour: str, label: str) -> Line2D:
        return Line2D([], [], marker=marker, color=colour, label=label, markersize=3.8)

    handles = [mark("D", BEST, "best of the column"), mark("o", OTHER, "other method")]
    if any(map(results.is_default, results.rows)):
        handles.insert(1, mark("o", DEFAULT, "default method"))
    handles.append(
        Line2D([], [], color=MUTED_COLOUR, linestyle="--", linewidth=0.8, label="chance or random")
    )
    figure.legend(
        handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize=TEXT - 1,
        bbox_to_anchor=(0.5, 0.14 / height), labelcolor=TEXT_COLOUR, borderaxespad=0,
    )  # fmt: skip
    figure.text(
        0.5,
        0.05 / height,
        LEGEND,
        fontsize=TEXT - 1,
        color=TEXT_COLOUR,
        horizontalalignment="center",
    )
