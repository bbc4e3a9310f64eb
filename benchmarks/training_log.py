"""The losses of trainings, from their TensorBoard logs: a table of means, and a picture.

    python benchmarks/training_log.py --runs FIRST/ SECOND/ --out benchmarks/results/painter-training

Runs that went on from each other's weights are set one after another, after those that the table
already has. Each point is a mean over so many steps.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

Run = dict[str, dict[int, float]]
"""For each loss, its mean up to each step."""
ROWS = 2
"""Of the picture."""


def means(run: Path, steps: int) -> Run:
    """For each loss, by the last step of each bin; of a step that was made twice the later one."""
    events = EventAccumulator(str(run / "log" / "training"), size_guidance={"scalars": 0})
    events.Reload()
    found: Run = {}
    for loss in events.Tags()["scalars"]:
        last = {event.step: event.value for event in events.Scalars(loss)}
        bins: dict[int, list[float]] = defaultdict(list)
        for step, value in last.items():
            bins[-(-step // steps) * steps].append(value)
        found[loss] = {step: fmean(values) for step, values in sorted(bins.items())}
    return found


def known(table: Path) -> dict[str, Run]:
    """The runs of a table that was written before."""
    runs: dict[str, Run] = {}
    if table.exists():
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                run, step = runs.setdefault(row.pop("run"), {}), int(row.pop("step"))
                for loss, value in row.items():
                    if value:
                        run.setdefault(loss, {})[step] = float(value)
    return runs


def main() -> None:
    """Read, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=Path, nargs="+", required=True)
    arguments.add_argument("--steps", type=int, default=100)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    runs = known(chosen.out.with_suffix(".csv"))
    runs |= {run.name: means(run, chosen.steps) for run in chosen.runs}
    losses = list(dict.fromkeys(loss for run in runs.values() for loss in run))
    with chosen.out.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "step", *losses])
        for name, run in runs.items():
            for step in sorted({step for loss in run.values() for step in loss}):
                values = [run.get(loss, {}).get(step) for loss in losses]
                shown = ("" if value is None else f"{value:.4f}" for value in values)
                writer.writerow([name, step, *shown])
    columns = -(-len(losses) // ROWS)
    drawing = Figure(figsize=(3 * columns, 2.6 * ROWS), layout="constrained")
    axes = drawing.subplots(ROWS, columns, squeeze=False).flat
    for axis, loss in zip(axes, losses, strict=False):
        start = 0
        for name, run in runs.items():
            points = run.get(loss, {})
            axis.plot([start + step for step in points], list(points.values()), label=name)
            start += max(step for some in run.values() for step in some)
        axis.set_title(loss, fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in list(drawing.axes)[len(losses) :]:
        axis.remove()
    drawing.axes[0].legend(fontsize=7)
    drawing.savefig(chosen.out.with_suffix(".png"), dpi=90)


if __name__ == "__main__":
    main()
