"""Measure the run time of in-fillers, relative to PatchMatch and to passes of the classifier.

    python benchmarks/infill.py --out benchmarks/results/infill-speed.md

Photos of scikit-image at 224 x 224, in one batch. Half of their cells are removed, or a square of
half of their area, or each photo has another kind of hole (`unsee.training.holes`): cells, boxes,
outlines, superpixels, smooth regions, or what is left of them. The in-fillers and the classifier
take turns in each round, because the speed of a machine varies over time; the minimum counts.
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
from unsee.training import holes

NAMES = (
    "grey", "mean", "blur", "local", "noise", "random", "telea", "navier_stokes", "biharmonic",
    "noisy_linear", "patchmatch", "painter_small", "painter",
)  # fmt: skip
CELLS_PER_SIDE = 14
SIDE, HOLE = 224, 160
"""Sides of the photos and of the square in pixels."""
KINDS = ("cells", "square", "mixture")
"""What is removed."""
BASELINE = "patchmatch"

Problem = tuple[ImageBatch, torch.Tensor, RowIndex]
"""Photos, hard masks and the index of the rows."""


def problem(size: int, kind: str) -> Problem:
    """Return a batch of photos with half of their cells, a square or a mixture of holes removed."""
    images = photos(size, SIDE)
    random = ImageRandom(seeds_of(images, 0), images.device)
    g = torch.Generator().manual_seed(0)
    coins = (torch.rand(size, 1, CELLS_PER_SIDE, CELLS_PER_SIDE, generator=g) < 0.5).float()
    keep = torch.nn.functional.interpolate(coins, (SIDE, SIDE))
    if kind == "mixture":
        keep = holes.draw(size, (SIDE, SIDE), g)
    if kind == "square":
        edge = (SIDE - HOLE) // 2
        keep = torch.ones_like(keep)
        keep[..., edge : edge + HOLE, edge : edge + HOLE] = 0
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


def measure(names: list[str], size: int, rounds: int) -> tuple[dict[str, dict[str, float]], float]:
    """Return the minimum of rounds in seconds per image: in-fillers, and a forward pass.

    The former are by name and by what is removed.
    """
    classifier = load()
    configurations = throughput.timings(classifier, (SIDE, SIDE), (8, 16, 32), (torch.float32,))
    fastest = throughput.fastest(configurations, "float32").forward
    passes = []
    infillers = {name: create("infillers", name) for name in names}
    for infiller in infillers.values():
        seconds_per_image(infiller, problem(1, KINDS[0]))  # loads weights
    times: dict[str, dict[str, float]] = {name: {} for name in infillers}
    for kind in KINDS * rounds:
        batch = problem(size, kind)
        for name, infiller in infillers.items():
            seconds = seconds_per_image(infiller, batch)
            times[name][kind] = min(seconds, times[name].get(kind, seconds))
        passes.append(
            throughput.seconds_per_image(
                classifier, (SIDE, SIDE), fastest.memory_format, fastest.chunk, gradient=False
            )
        )
    return times, min(passes)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--infillers", nargs="+", default=list(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/infill-speed.md"))
    options = parser.parse_args()
    seconds, forward = measure(options.infillers, options.batch, options.rounds)
    baseline = seconds.get(BASELINE, dict.fromkeys(KINDS, float("nan")))
    lines = [
        "# Run times of in-fillers",
        "",
        f"`python benchmarks/infill.py --batch {options.batch}`, {date.today()}. {cpu()}, "
        f"{os.cpu_count()} cores, torch {torch.__version__}. {SIDE} x {SIDE}; half of "
        f"{CELLS_PER_SIDE} x {CELLS_PER_SIDE} cells, a square of {HOLE} x {HOLE}, or a mixture "
        "of holes of all kinds and sizes removed; "
        f"{options.batch} images in a batch; the minimum of {options.rounds} rounds. A forward pass "
        f"of EfficientNet-Lite0 takes {1e3 * forward:.1f} ms an image.",
        "",
        "| in-filler | "
        + "".join(f"{kind}: ms per image | forward passes | " for kind in KINDS)
        + f"cells: times faster than {BASELINE} |",
        "|---" * (2 + 2 * len(KINDS)) + "|",
    ]
    for name, times in seconds.items():
        cells = [f"{1e3 * times[k]:.2f} | {times[k] / forward:.2f}" for k in KINDS]
        faster = baseline[KINDS[0]] / times[KINDS[0]]
        lines.append(f"| {name} | {' | '.join(cells)} | {faster:.1f} |")
    text = "\n".join(lines) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
