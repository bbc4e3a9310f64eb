"""Draw the quality of maps over the number of passes, from the rows of `orderings.py`.

    python benchmarks/orderings.py run --plan passes --count 8
    python benchmarks/passes.py

Reads results/passes.csv and writes results/passes.png. A line is a method that takes a budget, a
dot one of fixed cost. Bands are 95 % bootstrap intervals of the default method.
"""

import csv
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from orderings import interval

from unsee.study import DEFAULT_METHOD

RESULTS = Path(__file__).parent / "results"
AREAS = {
    "rise deletion": "deletion, protocol rise ↓", "rise insertion": "insertion, protocol rise ↑",
    "igos-released deletion": "deletion, protocol igos-released ↓",
    "igos-released insertion": "insertion, protocol igos-released ↑",
    "scatter": "regions of the top 15 % ↓",
}  # fmt: skip
"""Columns of the table, and their titles."""


def main() -> None:
    """Draw a panel for each column."""
    with (RESULTS / "passes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    photos = len({row["photo"] for row in rows})
    variants = dict.fromkeys(row["variant"] for row in rows)
    methods = dict.fromkeys(name.partition(" ")[0] for name in variants)
    figure = Figure(figsize=(14, 3.6), layout="constrained")
    panels = figure.subplots(1, len(AREAS))
    for axes, (column, title) in zip(panels, AREAS.items(), strict=True):
        for number, method in enumerate(methods):
            own = [name for name in variants if name.partition(" ")[0] == method]
            points = []
            for name in own:
                chosen = [row for row in rows if row["variant"] == name]
                passes = np.mean([max(1.0, float(row["forwards"])) for row in chosen])
                points.append((passes, *interval(np.array([float(r[column]) for r in chosen]))))
            passes, means, lows, highs = np.array(sorted(points)).T
            is_default = method == DEFAULT_METHOD
            style = {"color": "#0072b2", "linewidth": 2.4} if is_default else {
                "color": colormaps["tab20"](number % 20), "linewidth": 1,
            }  # fmt: skip
            axes.plot(passes, means, marker="o", markersize=3, label=method, **style)
            if is_default:
                axes.fill_between(passes, lows, highs, color="#0072b2", alpha=0.12, linewidth=0)
        axes.set_xscale("log")
        axes.set_xlabel("forward passes")
        axes.set_title(title, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_yscale("log")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    figure.suptitle(f"{photos} photos, one seed", fontsize=9)
    figure.savefig(RESULTS / "passes.png", dpi=120)


if __name__ == "__main__":
    main()
