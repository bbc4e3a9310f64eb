"""Seconds that in-fillers take, beside PatchMatch and the classifier's own passes.

    python benchmarks/infill.py --out benchmarks/results/infill-speed.md

Photos of scikit-image at 224 x 224, half of their cells missing, a batch together; the least of
several rounds, in which all take turns.
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
    "noisy_linear", "patchmatch", "painter",
)  # fmt: skip
GRID = 14
SIZE = 224
AGAINST = "patchmatch"


def question(batch: int) -> tuple[ImageBatch, torch.Tensor, RowIndex]:
    """Photos, what is visible of them, and whose is whose."""
    images = photos(batch, SIZE)
    random = ImageRandom(seeds_of(images, 0), images.device)
    g = torch.Generator().manual_seed(0)
    coins = (torch.rand(batch, 1, GRID, GRID, generator=g) < 0.5).float()
    keep = torch.nn.functional.interpolate(coins, (SIZE, SIZE))
    rows = RowIndex(torch.arange(batch), torch.zeros(batch, dtype=torch.long), 0)
    neutral = images.new_tensor(load().data_mean)
    return ImageBatch(images, neutral, random), keep, rows


@torch.no_grad()
def seconds(infiller: Infiller, asked: tuple[ImageBatch, torch.Tensor, RowIndex]) -> float:
    """For an image of a batch, with what is done once for a photo."""
    scene, keep, rows = asked
    start = time.perf_counter()
    infiller.bind(scene)(keep, rows)
    return (time.perf_counter() - start) / len(keep)


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--infillers", nargs="+", default=list(NAMES))
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--out", type=Path, default=Path("benchmarks/results/infill-speed.md"))
    chosen = arguments.parse_args()
    classifier = load()
    passes = list(throughput.timings(classifier, (SIZE, SIZE), (8, 16, 32), (torch.float32,)))
    least = throughput.fastest(passes, "float32").cost.forward_backward
    fillers = {name: create("infillers", name) for name in chosen.infillers}
    asked, one = question(chosen.batch), question(1)
    times: dict[str, list[float]] = {name: [] for name in fillers}
    for filler in fillers.values():
        seconds(filler, one)  # loads what it needs
    for _ in range(chosen.rounds):
        for name, filler in fillers.items():
            times[name].append(seconds(filler, asked))
    found = {name: min(some) for name, some in times.items()}
    lines = [
        "# What in-fillers cost",
        "",
        f"`python benchmarks/infill.py --batch {chosen.batch}`, {date.today()}. {cpu()}, "
        f"{os.cpu_count()} cores, torch {torch.__version__}. {SIZE} x {SIZE}, half of "
        f"{GRID} x {GRID} cells missing, {chosen.batch} images together; the least of "
        f"{chosen.rounds} rounds. Passes: forward and backward of EfficientNet-Lite0, "
        f"{1e3 * least:.1f} ms an image at best.",
        "",
        f"| in-filler | ms an image | passes | times faster than {AGAINST} |",
        "|---|---|---|---|",
        *(
            f"| {name} | {1e3 * s:.2f} | {s / least:.2f} | {found[AGAINST] / s:.1f} |"
            for name, s in found.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
