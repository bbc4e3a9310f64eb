"""Seconds that in-fillers take, beside PatchMatch and the classifier's own passes.

    python benchmarks/infill.py --out benchmarks/results/infill-speed.md

Photos of scikit-image at 224 x 224, half of their cells missing, a batch together; the least of
several rounds, in which all take turns.
"""

from unsee.allocator import keep_memory

keep_memory()

import argparse
import os
import time
from datetime import date
from pathlib import Path

import torch
from gpu import photos
from speed.__main__ import cpu

from unsee import MaskedScore, create, floor, load
from unsee.explain import seeds_of
from unsee.infillers.base import Rows

NAMES = (
    "grey", "mean", "blur", "local", "noise", "random", "telea", "navier_stokes", "biharmonic",
    "noisy_linear", "patchmatch", "painter",
)  # fmt: skip
GRID = 14
SIZE = 224
AGAINST = "patchmatch"


def seconds(name: str, batch: int, rounds: int) -> float:
    """For an image of a batch."""
    images = photos(batch, SIZE)
    targets = torch.zeros(batch, dtype=torch.long)
    classifier = load()
    score = MaskedScore(classifier, create("infillers", name), images, targets, seeds_of(images, 0))
    g = torch.Generator().manual_seed(0)
    coins = (torch.rand(batch, 1, GRID, GRID, generator=g) < 0.5).float()
    keep = torch.nn.functional.interpolate(coins, (SIZE, SIZE))
    rows = Rows(torch.arange(batch), torch.zeros(batch, dtype=torch.long), 0)
    with torch.no_grad():
        score.fill(keep[:1], Rows(rows.image[:1], rows.variant[:1], 0))  # loads what it needs
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            score.fill(keep, rows)
            times.append(time.perf_counter() - start)
    return min(times) / batch


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--out", type=Path, default=Path("benchmarks/results/infill-speed.md"))
    chosen = arguments.parse_args()
    classifier = load()
    passes = list(floor.timings(classifier, (SIZE, SIZE), (8, 16, 32), (torch.float32,)))
    least = floor.of(passes, "float32").both
    found = {name: seconds(name, chosen.batch, chosen.rounds) for name in NAMES}
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
