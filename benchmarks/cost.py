"""How seconds and memory grow: with photos together, with passes, with masks.

    python benchmarks/cost.py --out benchmarks/results/cost.md

Each line is a process of its own with glibc's memory kept, all in turn, several rounds, medians.
Memory is the process's peak above what it held before; the bare chunk is the network alone, once,
on as many images as the method sends together.
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
TOGETHER = (1, 2, 4, 8)
PASSES = (120, 240, 480, 960)
FEW = 120
SIZE = 224
CHUNK = 16
"""Images at a time where memory is measured."""
MEMORY: dict[str, dict[str, Any]] = {
    "tide, 120 passes": {"name": "tide", "budget": 120},
    "tide, 860 passes": {"name": "tide", "budget": 860},
    "tide, 120 passes, 8 photos": {"name": "tide", "budget": 120, "photos": 8},
    "igos_pp, 860 passes": {"name": "igos_pp", "budget": 860},
    "fido, 860 passes": {"name": "fido", "budget": 860},
    "rise, 1 000 masks": {"name": "rise", "samples": 1000},
}
"""With the network that ships, beside the bare network."""
SMALL: dict[str, list[dict[str, Any]]] = {
    "rise, 16, 1 000 and 100 000 masks": [
        {"name": "rise", "samples": n} for n in (CHUNK, 1000, 100_000)
    ],
    "lime, 16, 1 000 and 10 000 masks": [
        {"name": "lime", "samples": n} for n in (CHUNK, 1000, 10_000)
    ],
    "mp2 of 1, 14 and 224 cells a side": [
        {"name": "mp2", "grid": n, "cells": max(1, n * n // 100)} for n in (1, 14, SIZE)
    ],
}
"""With a network of one layer: what masks take when there are many."""
WITHOUT = ("rise",)
"""Gradients."""


def small() -> Classifier:
    """A network so cheap that a hundred thousand masks are quickly asked."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )
    return Classifier(network.eval().requires_grad_(False), framing=Framing((SIZE, SIZE)))


def peak() -> float:
    """MiB that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(asked: dict[str, Any]) -> dict[str, Any]:
    """Run one; what it cost."""
    budget, bare = asked.pop("budget", None), asked.pop("bare", "")
    classifier = small() if asked.pop("small", False) else load()
    classifier = replace(classifier, chunk=asked.pop("chunk", None))
    images = photos(asked.pop("photos", 1), SIZE)
    before = peak()
    if bare:
        x = images.repeat(classifier.chunk, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        classifier.run_normalised(x, gradient=bare == "gradient")
        return {"peak": peak() - before}
    method = create("methods", **asked)
    for _ in range(2 if budget == FEW and len(images) == 1 else 1):  # the first sets things up
        study = Study.of(classifier, images, method, infiller="blur", budget=budget)
        start = time.perf_counter()
        study.finish()
        seconds = time.perf_counter() - start
    return {
        **study.explanation.provenance["cost"],
        "seconds": seconds,
        "peak": peak() - before,
    }


def run(**asked: Any) -> dict[str, Any]:
    """One in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(asked, found, flush=True)
    return found


def timed(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds for each method: photos together at few passes, and one photo at more passes."""
    seconds: dict[str, dict[str, list[float]]] = {}
    for name in METHODS:
        photos_, passes = (
            [
                median(run(name=name, budget=b, photos=n)["seconds"] for _ in range(rounds))
                for n, b in jobs
            ]
            for jobs in ([(n, FEW) for n in TOGETHER], [(1, b) for b in PASSES])
        )
        seconds[name] = {"photos": photos_, "passes": passes}
    return seconds


def memory() -> list[str]:
    """Rows of the table."""
    bare = {way: run(bare=way, chunk=CHUNK)["peak"] for way in ("gradient", "none")}
    rows = []
    for label, asked in MEMORY.items():
        one = bare["none" if asked["name"] in WITHOUT else "gradient"]
        ours = run(**asked, chunk=CHUNK)["peak"]
        rows.append(f"| {label} | {one:.0f} | {ours:.0f} | {ours / one:.2f} |")
    for label, jobs in SMALL.items():
        peaks = [run(**asked, small=True, chunk=CHUNK)["peak"] for asked in jobs]
        listed = ", ".join(f"{x:.0f}" for x in peaks[1:])
        rows.append(f"| {label} | {peaks[0]:.0f} | {listed} | {max(peaks) / peaks[0]:.2f} |")
    return rows


def draw(seconds: dict[str, dict[str, list[float]]], out: Path) -> None:
    """Both plots side by side, axes logarithmic: what is proportional rises by one in one."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, found in seconds.items():
        each = [s / n for s, n in zip(found["photos"], TOGETHER, strict=True)]
        left.plot(TOGETHER, each, "o-", label=name)
        right.plot(PASSES, found["passes"], "o-", label=name)
    left.set(xscale="log", xlabel="photos together", ylabel="seconds a photo", ylim=(0, None))
    left.set_xticks(TOGETHER, [str(n) for n in TOGETHER])
    right.set(xscale="log", yscale="log", xlabel="passes", ylabel="seconds, one photo")
    right.set_xticks(PASSES, [str(n) for n in PASSES])
    right.legend(frameon=False)
    for axes in (left, right):
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=150)


def table(label: str, ticks: tuple[int, ...], rows: dict[str, list[float]]) -> list[str]:
    """Numbers of one plot."""
    return [
        f"| {label} | " + " | ".join(str(tick) for tick in ticks) + " |",
        "|---" * (len(ticks) + 1) + "|",
        *(
            f"| {name} | " + " | ".join(f"{x:.2f}" for x in row) + " |"
            for name, row in rows.items()
        ),
    ]


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--child", type=json.loads)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--out", type=Path, default=Path("benchmarks/results/cost.md"))
    chosen = arguments.parse_args()
    if chosen.child:
        print(json.dumps(child(chosen.child)))
        return
    seconds = timed(chosen.rounds)
    draw(seconds, chosen.out.with_suffix(".png"))
    each = {
        name: [s / n for s, n in zip(found["photos"], TOGETHER, strict=True)]
        for name, found in seconds.items()
    }
    lines = [
        "# How cost grows",
        "",
        f"`python benchmarks/cost.py --rounds {chosen.rounds}`, {date.today()}. {cpu()}, torch "
        f"{torch.__version__}; EfficientNet-Lite0 at {SIZE} x {SIZE}, in-filler `blur`, median of "
        f"{chosen.rounds} processes.",
        "",
        f"![cost]({chosen.out.with_suffix('.png').name})",
        "",
        f"Seconds a photo, {FEW} passes each, photos together:",
        "",
        *table("photos", TOGETHER, each),
        "",
        "Seconds for one photo:",
        "",
        *table("passes", PASSES, {name: found["passes"] for name, found in seconds.items()}),
        "",
        f"Memory above that of the process before, MiB, {CHUNK} images at a time. Above: the "
        "network that ships, beside the bare network on one chunk. Below: a network of one layer, "
        "many masks beside one chunk of them.",
        "",
        "| | one chunk | ours | ratio |",
        "|---|---|---|---|",
        *memory(),
    ]
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
