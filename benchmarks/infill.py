"""Measure the run time of in-fillers, relative to PatchMatch and to passes of the classifier.

    python benchmarks/infill.py --out benchmarks/results/infill-speed.md

Photos of scikit-image at 224 x 224 with half of their cells removed, in one batch. The in-fillers
take turns in each round; the minimum over the rounds counts.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import os
import time
from datetime import date
from pathlib import Path

import torch
from gpu import photos
from speed.__main__ import cpu

from unsee import create, load
from unsee.classifiers import throughput
from unsee.infillers.base import ImageBatch, Infiller, RowIndex
from unsee.noise import ImageRandom, seeds_of

NAMES = (
    "grey", "mean", "blur", "local", "noise", "random", "telea", "navier_stokes", "biharmonic",
    "noisy_linear", "patchmatch", "painter_small", "painter",
)  # fmt: skip
CELLS_PER_SIDE = 14
SIDE = 224
"""Side of the photos in pixels."""
BASELINE = "patchmatch"

Problem = tuple[ImageBatch, torch.Tensor, RowIndex]
"""Photos, hard masks and the index of the rows."""


def problem(size: int) -> Problem:
    """Return a batch of photos with half of their cells removed."""
    images = photos(size, SIDE)
    random = ImageRandom(seeds_of(images, 0), images.device)
    g = torch.Generator().manual_seed(0)
    coins = (torch.rand(size, 1, CELLS_PER_SIDE, CELLS_PER_SIDE, generator=g) < 0.5).float()
    keep = torch.nn.functional.interpolate(coins, (SIDE, SIDE))
    rows = RowIndex(torch.arange(size), torch.zeros(size, dtype=torch.long), 0)
    neutral = images.new_tensor(load().data_mean)
    return ImageBatch(images, neutral, random), keep, rows


@torch.no_grad()
def seconds_per_image(infiller: Infiller, problem: Problem) -> float:
    """Return the time for an image of the batch, including `bind`."""
    batch, keep, rows = problem
    start = time.perf_counter()
    infiller.bind(batch)(keep, rows)
    return (time.perf_counter() - start) / len(keep)


def measure(names: list[str], size: int, rounds: int) -> dict[str, float]:
    """Return the seconds per image of each in-filler, the minimum over rounds."""
    infillers = {name: create("infillers", name) for name in names}
    batch, single = problem(size), problem(1)
    for infiller in infillers.values():
        seconds_per_image(infiller, single)  # loads weights
    times: dict[str, list[float]] = {name: [] for name in infillers}
    for _ in range(rounds):
        for name, infiller in infillers.items():
            times[name].append(seconds_per_image(infiller, batch))
    return {name: min(values) for name, values in times.items()}


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--infillers", nargs="+", default=list(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/infill-speed.md"))
    options = parser.parse_args()
    passes = list(throughput.timings(load(), (SIDE, SIDE), (8, 16, 32), (torch.float32,)))
    seconds_per_pass = throughput.fastest(passes, "float32").cost.forward_backward
    seconds = measure(options.infillers, options.batch, options.rounds)
    baseline = seconds.get(BASELINE, float("nan"))
    lines = [
        "# Run times of in-fillers",
        "",
        f"`python benchmarks/infill.py --batch {options.batch}`, {date.today()}. {cpu()}, "
        f"{os.cpu_count()} cores, torch {torch.__version__}. {SIDE} x {SIDE}, half of "
        f"{CELLS_PER_SIDE} x {CELLS_PER_SIDE} cells removed, {options.batch} images in a batch; the "
        f"minimum of {options.rounds} rounds. A pass is a forward and a backward pass of "
        f"EfficientNet-Lite0, {1e3 * seconds_per_pass:.1f} ms an image at best.",
        "",
        f"| in-filler | ms per image | passes | times faster than {BASELINE} |",
        "|---|---|---|---|",
        *(
            f"| {name} | {1e3 * s:.2f} | {s / seconds_per_pass:.2f} | {baseline / s:.1f} |"
            for name, s in seconds.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
