"""Measure how seconds and memory grow with the number of photos, passes and masks.

    python benchmarks/cost.py --out benchmarks/results/cost.md

Each measurement runs in its own process with glibc's allocator keeping freed memory, in several
rounds; medians are reported. Memory is the peak of the process minus what it held before the
method started. It is compared with one pass of the network alone on a batch of the same size.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib
import torch
from gpu import photos
from speed.__main__ import cpu
from torch import nn

from unsee import Classifier, Framing, Study, create, load

METHODS = ("tide", "igos_pp", "fido", "rise", "sliding_patch")
PHOTO_COUNTS = (1, 2, 4, 8)
PASS_COUNTS = (120, 240, 480, 960)
BUDGET = 120
"""Passes per photo where the number of photos grows."""
SIZE = 224
"""Side of the images in pixels."""
BATCH_SIZE = 16
"""Images per pass where memory is measured."""
MEMORY: dict[str, dict[str, Any]] = {
    "tide, 120 passes": {"name": "tide", "budget": 120},
    "tide, 860 passes": {"name": "tide", "budget": 860},
    "tide, 120 passes, 8 photos": {"name": "tide", "budget": 120, "photos": 8},
    "igos_pp, 860 passes": {"name": "igos_pp", "budget": 860},
    "fido, 860 passes": {"name": "fido", "budget": 860},
    "rise, 1 000 masks": {"name": "rise", "samples": 1000},
}
"""Methods on the default network, compared with one pass of the network alone."""
MANY_MASKS: dict[str, list[dict[str, Any]]] = {
    "rise, 16, 1 000 and 100 000 masks": [
        {"name": "rise", "samples": n} for n in (BATCH_SIZE, 1000, 100_000)
    ],
    "lime, 16, 1 000 and 10 000 masks": [
        {"name": "lime", "samples": n} for n in (BATCH_SIZE, 1000, 10_000)
    ],
    "mp2 with 1, 14 and 224 cells per side": [
        {"name": "mp2", "grid": n, "cells": max(1, n * n // 100)} for n in (1, 14, SIZE)
    ],
}
"""Methods on a one-layer network, whose memory is dominated by the masks; the first is compared."""
WITHOUT_GRADIENT = ("rise",)


def one_layer_network() -> Classifier:
    """Return a network that is cheap enough to evaluate 100 000 masks."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )
    return Classifier(network.eval().requires_grad_(False), framing=Framing((SIZE, SIZE)))


def peak_memory() -> float:
    """Return the peak memory of the process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_here(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job in this process and return its passes, seconds and memory."""
    budget, network_alone = job.pop("budget", None), job.pop("network_alone", None)
    classifier = one_layer_network() if job.pop("one_layer", False) else load()
    classifier = replace(classifier, chunk=job.pop("batch_size", None))
    images = photos(job.pop("photos", 1), SIZE)
    before = peak_memory()
    if network_alone:
        x = images.repeat(classifier.chunk, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        classifier.run_normalised(x, gradient=network_alone == "gradient")
        return {"peak": peak_memory() - before}
    method = create("methods", **job)
    warm_up = budget == BUDGET and len(images) == 1
    for _ in range(2 if warm_up else 1):
        study = Study.of(classifier, images, method, infiller="blur", budget=budget)
        start = time.perf_counter()
        study.finish()
        seconds = time.perf_counter() - start
    return {
        **study.explanation.provenance["cost"],
        "seconds": seconds,
        "peak": peak_memory() - before,
    }


def measure(**job: Any) -> dict[str, Any]:
    """Run one job in its own process and return its passes, seconds and memory."""
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = json.loads(process.stdout.splitlines()[-1])
    print(job, cost, flush=True)
    return cost


def measure_seconds(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of each method for several photos, and for several numbers of passes."""

    def medians(name: str, jobs: list[tuple[int, int]]) -> list[float]:
        return [
            median(
                measure(name=name, budget=budget, photos=count)["seconds"] for _ in range(rounds)
            )
            for count, budget in jobs
        ]

    return {
        name: {
            "photos": medians(name, [(count, BUDGET) for count in PHOTO_COUNTS]),
            "passes": medians(name, [(1, budget) for budget in PASS_COUNTS]),
        }
        for name in METHODS
    }


def memory_rows() -> list[str]:
    """Return the rows of the table of memory."""
    alone = {
        mode: measure(network_alone=mode, batch_size=BATCH_SIZE)["peak"]
        for mode in ("gradient", "forward")
    }
    rows = []
    for label, job in MEMORY.items():
        network = alone["forward" if job["name"] in WITHOUT_GRADIENT else "gradient"]
        peak = measure(**job, batch_size=BATCH_SIZE)["peak"]
        rows.append(f"| {label} | {network:.0f} | {peak:.0f} | {peak / network:.2f} |")
    for label, jobs in MANY_MASKS.items():
        peaks = [measure(**job, one_layer=True, batch_size=BATCH_SIZE)["peak"] for job in jobs]
        larger = ", ".join(f"{x:.0f}" for x in peaks[1:])
        rows.append(f"| {label} | {peaks[0]:.0f} | {larger} | {max(peaks) / peaks[0]:.2f} |")
    return rows


def per_photo(seconds: list[float]) -> list[float]:
    """Return the seconds per photo for each number of photos."""
    return [total / count for total, count in zip(seconds, PHOTO_COUNTS, strict=True)]


def draw(seconds: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw both growths with logarithmic axes, where proportional growth is a slope of one."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, growth in seconds.items():
        left.plot(PHOTO_COUNTS, per_photo(growth["photos"]), "o-", label=name)
        right.plot(PASS_COUNTS, growth["passes"], "o-", label=name)
    left.set(xscale="log", xlabel="photos in a batch", ylabel="seconds per photo", ylim=(0, None))
    left.set_xticks(PHOTO_COUNTS, [str(n) for n in PHOTO_COUNTS])
    right.set(xscale="log", yscale="log", xlabel="passes", ylabel="seconds, one photo")
    right.set_xticks(PASS_COUNTS, [str(n) for n in PASS_COUNTS])
    right.legend(frameon=False)
    for axes in (left, right):
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def table(label: str, ticks: tuple[int, ...], rows: dict[str, list[float]]) -> list[str]:
    """Return the numbers of one plot as a Markdown table."""
    return [
        f"| {label} | " + " | ".join(str(tick) for tick in ticks) + " |",
        "|---" * (len(ticks) + 1) + "|",
        *(
            f"| {name} | " + " | ".join(f"{x:.2f}" for x in row) + " |"
            for name, row in rows.items()
        ),
    ]


def report(seconds: dict[str, dict[str, list[float]]], rounds: int, plot: str) -> list[str]:
    """Measure memory and return the lines of the report."""
    photo_rows = {name: per_photo(growth["photos"]) for name, growth in seconds.items()}
    pass_rows = {name: growth["passes"] for name, growth in seconds.items()}
    return [
        "# Cost of methods",
        "",
        f"`python benchmarks/cost.py --rounds {rounds}`, {date.today()}. {cpu()}, torch "
        f"{torch.__version__}; EfficientNet-Lite0 at {SIZE} x {SIZE} pixels, in-filler `blur`, "
        f"median of {rounds} processes.",
        "",
        f"![Seconds by number of photos and of passes]({plot})",
        "",
        f"Seconds per photo, {BUDGET} passes each, by the number of photos in a batch:",
        "",
        *table("photos", PHOTO_COUNTS, photo_rows),
        "",
        "Seconds for one photo, by the number of passes:",
        "",
        *table("passes", PASS_COUNTS, pass_rows),
        "",
        f"Additional memory of the process in MiB, with at most {BATCH_SIZE} images per pass. The "
        "first six rows compare methods on EfficientNet-Lite0 with one pass of the network alone; "
        "the other rows compare many masks with few masks, on a network of one layer.",
        "",
        "| | reference | method | ratio |",
        "|---|---|---|---|",
        *memory_rows(),
    ]


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cost.md"))
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure_here(options.child)))
        return
    seconds = measure_seconds(options.rounds)
    plot = options.out.with_suffix(".png")
    draw(seconds, plot)
    lines = report(seconds, options.rounds, plot.name)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
