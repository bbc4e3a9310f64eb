"""Figures of a report: distributions of the metrics, curves over a setting, maps."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from unsee.evaluation.plan import Combination
from unsee.images.drawing import (
    BACKGROUND_COLOUR,
    MUTED_COLOUR,
    TEXT_COLOUR,
    drawable,
)
from unsee.reports import extremes, ranking
from unsee.reports.bootstrap import MIN_PHOTOS
from unsee.reports.gallery import examples, gallery
from unsee.reports.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTIONS = {
    "metrics": "Metrics by configuration: boxes over photos, or the photos themselves where they "
    f"are fewer than {MIN_PHOTOS}, with their means as diamonds; bars of means with 95 % intervals "
    "for metrics that are 0 or 1",
    "curves": "Means over a setting, with 95 % intervals",
    "maps": "Photos and their maps",
    "extremes": "Where methods differ most: photos on which the first is better than the second by "
    "most, and those on which it is worse by most",
}
"""Captions of the figures by name."""

LABEL_CHARACTERS = 32
"""Characters in a line of a label."""
LINE_HEIGHT = 0.18
"""Height of a line of a label in inches."""
FILL, EDGE, ACCENT = "#cfe6e2", "#2a9d8f", "#d1495b"
"""Colours of boxes and bars, of their edges, and of means."""


def figures(results: Results) -> "dict[str, Figure]":
    """Return all figures that can be drawn, by name."""
    figures_by_name = {
        "metrics": metrics(results),
        "curves": curves(results),
        "maps": maps(results),
        "extremes": extremes.draw(results),
    }
    return {name: figure for name, figure in figures_by_name.items() if figure is not None}


def metrics(results: Results) -> "Figure":
    """Draw a panel for each metric with a box, or for 0/1 metrics a bar, for each configuration."""
    from unsee.images.figure import Figure

    labels = [fill(drawable(results.label(c)), LABEL_CHARACTERS) for c in results.configurations]
    titles = [_title(results, metric) for metric in results.metrics]
    height = sum(max(0.45, LINE_HEIGHT * _lines(label)) for label in labels)
    height += LINE_HEIGHT * max(map(_lines, titles)) + 0.9
    figure = Figure(
        (3.4 * len(titles) + 1.5, height), layout="constrained", facecolor=BACKGROUND_COLOUR
    )
    panels = figure.subplots(1, len(titles), squeeze=False, sharey=True)[0]
    for axes, metric, title in zip(panels, results.metrics, titles, strict=True):
        _draw(axes, results, metric)
        if not _shared_scope(results, metric):
            _name_scopes(axes, results, metric)
        axes.set_yticks(range(1, len(labels) + 1), labels, color=TEXT_COLOUR)
        axes.set_title(title, fontsize=9, color=TEXT_COLOUR)
        axes.tick_params(length=0)
        axes.tick_params(axis="x", colors=MUTED_COLOUR)
        axes.grid(axis="x", color="#eceef2")
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
    panels[0].invert_yaxis()  # all panels share the axis
    return figure


def _title(results: Results, metric: str) -> str:
    """Return the name of a metric in several lines, and the photos that all its rows have."""
    heading = drawable(results.heading(metric)).replace(":", ":\n").replace(",", ",\n")
    scope = _shared_scope(results, metric)
    return f"{heading}\n({scope} photos)" if scope else heading


def _shared_scope(results: Results, metric: str) -> str:
    """Return of how many photos a metric is, if that is the same for all rows and not all."""
    scopes = {
        ranking.scope(results.mean(c, metric).photos, ranking.photos_of(results, c))
        for c in results.configurations
    }
    return scopes.pop() if len(scopes) == 1 else ""


def _draw(axes: "Axes", results: Results, metric: str) -> None:
    """Draw a metric as its numbers need it."""
    most = max(results.mean(c, metric).photos for c in results.configurations)
    if _is_binary(results, metric):
        _bars(axes, results, metric)
    elif most < MIN_PHOTOS:
        _points(axes, results, metric)
    else:
        _boxes(axes, results, metric)


def _points(axes: "Axes", results: Results, metric: str) -> None:
    """Draw the number of each photo, and their mean."""
    for row, configuration in enumerate(results.configurations, start=1):
        values = list(results.values(configuration, metric).values())
        axes.plot(values, [row] * len(values), "o", color=EDGE, alpha=0.6, markersize=6)
        if values:
            mean = results.mean(configuration, metric).value
            axes.plot(mean, row, "D", color=ACCENT, markersize=5)


def _boxes(axes: "Axes", results: Results, metric: str) -> None:
    values = [
        np.array(list(results.values(c, metric).values()) or [np.nan])
        for c in results.configurations
    ]
    axes.boxplot(
        values, orientation="horizontal", widths=0.55, showmeans=True, patch_artist=True,
        boxprops={"facecolor": FILL, "edgecolor": EDGE}, medianprops={"color": EDGE},
        whiskerprops={"color": EDGE}, capprops={"color": EDGE},
        meanprops={"marker": "D", "markerfacecolor": ACCENT, "markeredgecolor": "none",
                   "markersize": 5},
        flierprops={"marker": ".", "markeredgecolor": MUTED_COLOUR, "markersize": 4},
    )  # fmt: skip


def _bars(axes: "Axes", results: Results, metric: str) -> None:
    means = [results.mean(c, metric) for c in results.configurations]
    rows = range(1, len(means) + 1)
    values = [mean.value for mean in means]
    axes.barh(rows, values, height=0.55, color=FILL, edgecolor=EDGE)
    for row, mean in zip(rows, means, strict=True):
        if mean.has_interval:
            axes.plot([mean.low, mean.high], [row, row], color=ACCENT, linewidth=2)
    axes.set_xlim(0, 1)


def _name_scopes(axes: "Axes", results: Results, metric: str) -> None:
    """Write beside each box or bar of fewer photos than its row has how many they are."""
    for row, configuration in enumerate(results.configurations, start=1):
        photos = results.mean(configuration, metric).photos
        axes.annotate(
            ranking.scope(photos, ranking.photos_of(results, configuration)),
            (1, row), xycoords=("axes fraction", "data"), xytext=(3, 0),
            textcoords="offset points", va="center", fontsize=7, color=MUTED_COLOUR,
        )  # fmt: skip


def _is_binary(results: Results, metric: str) -> bool:
    """Whether all numbers of a metric are 0 or 1."""
    values = {v for c in results.configurations for v in results.values(c, metric).values()}
    return values <= {0.0, 1.0}


def curves(results: Results) -> "Figure | None":
    """Draw a line for each configuration over each setting that was varied."""
    from unsee.images.figure import Figure

    sweeps = results.sweeps
    if not sweeps:
        return None
    figure = Figure((5.2 * len(sweeps) + 2, 3.8), layout="constrained", facecolor=BACKGROUND_COLOUR)
    for axes, sweep in zip(figure.subplots(1, len(sweeps), squeeze=False)[0], sweeps, strict=True):
        arrow = "↑" if results.higher_is_better(next(iter(sweep.columns.values()))) else "↓"
        axes.set_title(drawable(f"{sweep.name} {arrow}"), fontsize=9, color=TEXT_COLOUR)
        axes.set_xlabel(drawable(sweep.setting), color=MUTED_COLOUR)
        for number, configuration in enumerate(results.configurations):
            means = [results.mean(configuration, column) for column in sweep.columns.values()]
            (line,) = axes.plot(
                list(sweep.columns), [mean.value for mean in means],
                label=drawable(results.label(configuration)),
                linestyle="-" if number < 10 else "--",
            )  # fmt: skip
            low, high = [mean.low for mean in means], [mean.high for mean in means]
            axes.fill_between(list(sweep.columns), low, high, alpha=0.08, color=line.get_color())
        axes.tick_params(colors=MUTED_COLOUR)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    return figure


def maps(results: Results) -> "Figure | None":
    """Draw the first photos and their maps, if a run saved them."""
    rows = examples(results.folders)
    if not rows:
        return None
    labels: dict[Combination, str] = {c: results.label(c) for c in results.configurations}
    return gallery(rows, labels)


def _lines(text: str) -> int:
    return text.count("\n") + 1
