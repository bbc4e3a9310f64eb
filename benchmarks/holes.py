"""Draw photos with five kinds of holes and the results of in-fillers, as one page.

    python benchmarks/holes.py --photos src/unsee/studio/photos --infillers patchmatch painter_small painter

A row has a photo; for each kind of hole it shows the visible pixels and the results.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from unsee import create, load
from unsee.evaluation.infilling import Problem, infill
from unsee.images import finding, reading
from unsee.training import holes

SIDE, DRAWN = 224, 112
"""Sides of the photos: as they are filled, and as they are drawn."""
GAP = 4
"""Pixels between two kinds of holes."""


def masks(count: int) -> dict[str, Tensor]:
    """Return masks of five kinds, another for each photo."""
    size, g = (SIDE, SIDE), torch.Generator().manual_seed(0)
    coins = torch.rand(count, 1, 14, 14, generator=g) < 0.5
    square = torch.ones(count, 1, *size)
    square[..., 32:192, 32:192] = 0
    few = torch.rand(count, 1, 14, 14, generator=g) < 0.05
    return {
        "half of 14 x 14 cells": F.interpolate(coins.float(), size),
        "a square of half the area": square,
        "outlines": holes.outlines(count, size, g),
        "superpixels": holes.voronoi_cells(count, size, g),
        "all but 5 % of the cells": F.interpolate(few.float(), size),
    }


def filled(name: str, images: Tensor, keep: Tensor) -> Tensor:
    """Return the results of an in-filler, one photo after another."""
    infiller, classifier = create("infillers", name), load()
    problems = zip(images.split(1), keep.split(1), strict=True)
    return torch.cat(
        [infill(infiller, Problem("", "object", *one, 0), classifier)[0] for one in problems]
    )


def page(images: Tensor, results: dict[str, list[Tensor]]) -> Image.Image:
    """Return the picture of all photos, with the columns of each kind side by side."""
    columns = [images]
    for kind in results.values():
        columns += [images.new_ones(len(images), 3, SIDE, SIDE)[..., : GAP * SIDE // DRAWN], *kind]
    rows = torch.cat([torch.cat(list(row), 2) for row in zip(*columns, strict=True)], 1)
    size = rows.shape[-2] * DRAWN // SIDE, rows.shape[-1] * DRAWN // SIDE
    small = F.interpolate(rows[None], size, mode="bilinear", antialias=True)[0]
    return Image.fromarray((255 * small.clamp(0, 1)).byte().permute(1, 2, 0).numpy())


def main() -> None:
    """Draw the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, default=Path("src/unsee/studio/photos"))
    parser.add_argument(
        "--infillers", nargs="+", default=["patchmatch", "painter_small", "painter"]
    )
    parser.add_argument("--out", type=Path, default=Path("docs/infill-holes.jpg"))
    options = parser.parse_args()
    framing = load().framing
    paths = finding.find([str(options.photos)], [])[:12]
    images = torch.cat([framing.show(reading.read(path).pixels) for path in paths])
    results = {
        kind: [images * keep, *(filled(name, images, keep) for name in options.infillers)]
        for kind, keep in masks(len(images)).items()
    }
    page(images, results).save(options.out, quality=85)


if __name__ == "__main__":
    main()
