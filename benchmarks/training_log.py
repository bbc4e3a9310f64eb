"""Collect the losses of trainings from their TensorBoard logs in a table and a figure.

    python benchmarks/training_log.py --runs FIRST/ SECOND/ --out benchmarks/results/painter-training

Each point is a mean over `--steps` steps. The runs are appended to those that the table already
contains; in the figure they follow one another, as runs that continue from each other's weights.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from unsee.output.trackers import PROJECT
from unsee.training.run_folder import LOG

Run = dict[str, dict[int, float]]
"""Means of each loss by the last step of their bin."""
FIGURE_ROWS = 2


def read_log(run: Path, steps: int) -> Run:
    """Return the means of each loss over bins of `steps` steps.

    Of a step that was repeated after an interruption, the later value counts.
    """
    events = EventAccumulator(str(run / LOG / PROJECT), size_guidance={"scalars": 0})
    events.Reload()
    means: Run = {}
    for loss in events.Tags()["scalars"]:
        by_step = {event.step: event.value for event in events.Scalars(loss)}
        bins: dict[int, list[float]] = defaultdict(list)
        for step, value in by_step.items():
            bins[-(-step // steps) * steps].append(value)
        means[loss] = {step: fmean(values) for step, values in sorted(bins.items())}
    return means


def read_table(path: Path) -> dict[str, Run]:
    """Return the runs of an existing table; none if there is no table."""
    runs: dict[str, Run] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                run, step = runs.setdefault(row.pop("run"), {}), int(row.pop("step"))
                for loss, value in row.items():
                    if value:
                        run.setdefault(loss, {})[step] = float(value)
    return runs


def write_table(path: Path, runs: dict[str, Run], losses: list[str]) -> None:
    """Write one row per run and step, with an empty cell for a loss that has no value."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "step", *losses])
        for name, run in runs.items():
            for step in sorted({step for means in run.values() for step in means}):
                values = [run.get(loss, {}).get(step) for loss in losses]
                cells = ("" if value is None else f"{value:.4f}" for value in values)
                writer.writerow([name, step, *cells])


def draw(path: Path, runs: dict[str, Run], losses: list[str]) -> None:
    """Draw one panel per loss, with the runs one after another."""
    columns = -(-len(losses) // FIGURE_ROWS)
    figure = Figure(figsize=(3 * columns, 2.6 * FIGURE_ROWS), layout="constrained")
    panels = figure.subplots(FIGURE_ROWS, columns, squeeze=False).flat
    for axes, loss in zip(panels, losses, strict=False):
        start = 0
        for name, run in runs.items():
            points = run.get(loss, {})
            axes.plot([start + step for step in points], list(points.values()), label=name)
            start += max(step for means in run.values() for step in means)
        axes.set_title(loss, fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in list(figure.axes)[len(losses) :]:
        axes.remove()
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Parse the command line, read the logs, write the table and the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of runs")
    parser.add_argument("--steps", type=int, default=100, help="steps per mean")
    parser.add_argument("--out", type=Path, required=True, help="path without suffix")
    options = parser.parse_args()
    table = options.out.with_suffix(".csv")
    runs = read_table(table) | {run.name: read_log(run, options.steps) for run in options.runs}
    losses = list(dict.fromkeys(loss for run in runs.values() for loss in run))
    write_table(table, runs, losses)
    draw(options.out.with_suffix(".png"), runs, losses)


if __name__ == "__main__":
    main()
