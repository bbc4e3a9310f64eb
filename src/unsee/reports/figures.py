"""The pictures of a report."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unsee.reports.gallery import gallery, shown
from unsee.reports.results import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


LABEL, LINE = 32, 0.18
"""Characters in a line of a label, and its height in inches."""


def lines(text: str) -> int:
    """How many there are."""
    return text.count("\n") + 1


def figures(report: Report) -> "dict[str, Figure]":
    """All that can be drawn, by a name for files: boxes, curves, maps."""
    drawn = {"boxes": boxes(report), "curves": curves(report), "maps": maps(report)}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def boxes(report: Report) -> "Figure":
    """A box for each way, a panel for each metric."""
    from matplotlib.figure import Figure

    labels = [fill(report.label(way), LABEL) for way in report.ways]
    titles = [report.headed(n).replace(":", ":\n").replace(",", ",\n") for n in report.metrics]
    rows = sum(max(0.45, LINE * lines(label)) for label in labels)
    size = (3.4 * len(titles) + 1.5, rows + LINE * max(map(lines, titles)) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(titles), squeeze=False, sharey=True)[0]
    for at, name, title in zip(axes, report.metrics, titles, strict=True):
        values: list[NDArray[np.float64]] = [
            np.array(list(report.values(way, name).values()) or [np.nan]) for way in report.ways
        ]
        at.boxplot(values, orientation="horizontal", widths=0.6, showmeans=True)
        at.set_yticks(range(1, len(labels) + 1), labels)
        at.set_title(title, fontsize=9)
    axes[0].invert_yaxis()  # all share it
    return figure


def curves(report: Report) -> "Figure | None":
    """A line for each way over the setting that was varied, with its interval."""
    from matplotlib.figure import Figure

    found = report.series
    if not found:
        return None
    figure = Figure(figsize=(5.2 * len(found), 3.8), layout="constrained")
    for at, one in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
        at.set(title=one.name, xlabel=one.setting)
        at.title.set_fontsize(9)
        for way in report.ways:
            means = [report.mean(way, column) for column in one.columns.values()]
            (line,) = at.plot(list(one.columns), [m.value for m in means], label=report.label(way))
            low, high = ([getattr(m, end) for m in means] for end in ("low", "high"))
            at.fill_between(list(one.columns), low, high, alpha=0.12, color=line.get_color())
        at.spines[["top", "right"]].set_visible(False)
    at.legend(frameon=False, fontsize=8)
    return figure


def maps(report: Report) -> "Figure | None":
    """The first photos and their maps, where the runs kept them."""
    found = shown(report.folders)
    if not found:
        return None
    return gallery(found, {way: report.label(way) for way in report.ways})
