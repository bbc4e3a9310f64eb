"""Measure periodic patterns that in-fillers lay over large holes.

    python benchmarks/pattern.py --data imagenet-val-sample.zip --out benchmarks/results/pattern.md

Half of each photo is removed: a square of 160 x 160 of 224 x 224 pixels. In the middle of the
square, 128 x 128 pixels, the power spectrum of the result is computed under a Hann window. The
pattern of period p is the power at the frequencies (i/p, j/p) above the median power of their
neighbourhood; its root is the pattern's root mean square, in levels of 255. Photos show what is
natural.
"""

import argparse
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F
from holes import filled
from torch import Tensor

from unsee import load
from unsee.datasets._loading import load_data
from unsee.reports.bootstrap import mean

NAMES = ("patchmatch", "painter_small", "painter")
SIDE, HOLE, WINDOW = 224, 160, 128
"""Sides in pixels: of the photos, of the hole, and of the part whose spectrum is measured."""
PERIODS = (4, 8, 16)
"""Periods in pixels; they divide the window."""
NEIGHBOURHOOD = 7
"""Side, in frequencies, of the neighbourhood of a frequency."""


def spectra(pictures: Tensor) -> Tensor:
    """Return the power spectra (n, window, window) of the middle of pictures, in squared levels."""
    edge = (SIDE - WINDOW) // 2
    middle = (255 * pictures.clamp(0, 1)).round()
    middle = middle[..., edge : edge + WINDOW, edge : edge + WINDOW]
    ramp = torch.hann_window(WINDOW, periodic=False)
    window = ramp[:, None] * ramp
    middle = (middle - middle.mean((-2, -1), keepdim=True)) * window
    return torch.fft.fft2(middle).abs().square().mean(1) / window.sum() ** 2


def pattern_level(power: Tensor, period: int) -> Tensor:
    """Return the root mean square of the pattern of a period, in levels of 255, per picture."""
    half = NEIGHBOURHOOD // 2
    padded = F.pad(power[:, None], (half,) * 4, mode="circular")
    around = padded.unfold(2, NEIGHBOURHOOD, 1).unfold(3, NEIGHBOURHOOD, 1).flatten(-2)
    above = (power - around[:, 0].median(-1).values).clamp(min=0)
    at = torch.arange(0, WINDOW, WINDOW // period)
    lattice = above[:, at][:, :, at].flatten(1)[:, 1:]  # without the frequency zero
    return lattice.sum(1).sqrt()


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--infillers", nargs="+", default=list(NAMES))
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/pattern.md"))
    options = parser.parse_args()
    samples = list(load_data(options.data))[: options.limit]
    images = torch.cat([load().framing.show(sample.photo(3)) for sample in samples])
    keep = torch.ones(len(images), 1, SIDE, SIDE)
    edge = (SIDE - HOLE) // 2
    keep[..., edge : edge + HOLE, edge : edge + HOLE] = 0
    results = {"photo": images} | {name: filled(name, images, keep) for name in options.infillers}
    lines = [
        "# Patterns in large holes",
        "",
        f"`python benchmarks/pattern.py --limit {options.limit}`, {date.today()}. {len(images)} "
        "photos, of which half is removed; root mean square of what repeats with a period, in "
        "levels of 255, mean [95 % bootstrap interval]. Photos show what is natural.",
        "",
        "| in-filler | " + " | ".join(f"{period} pixels" for period in PERIODS) + " |",
        "|---|" + "---|" * len(PERIODS),
    ]
    for name, pictures in results.items():
        power = spectra(pictures)
        cells = [str(mean(pattern_level(power, period).tolist())) for period in PERIODS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    text = "\n".join(lines) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
