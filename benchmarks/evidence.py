"""Measure what the most salient pixels are worth: remove or keep the top 15 % of each map.

    python benchmarks/evidence.py --out benchmarks/results/evidence.md
    python benchmarks/evidence.py --maps 'TIDE, blur' 'TIDE, grey'

The photos are chelsea (scikit-image) and the first photos of the validation sample that have one
box and that the default classifier recognises with a probability above 0.5. Removed pixels are
replaced by the in-filler that the map was made with. The control removes 15 % at random, in cells
of 8 x 8 pixels.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import platform
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from PIL import Image
from sample import recognised_photos
from skimage.data import chelsea

from unsee import Classifier, Study, create, load
from unsee.classifiers.measures import probability
from unsee.masking import masks
from unsee.masking.score import MaskedScore

SHARE = 0.15
"""Share of the pixels that are removed or kept."""
DRAWS = 20
"""Random masks of the control."""
CELLS = 28
"""Cells per side of the random masks."""
LEAST_PROBABILITY = 0.5
RUNS = {
    "TIDE, blur": ("tide", {}, None),
    "TIDE, grey": ("tide", {}, "grey"),
    "iGOS++, blur": ("igos_pp", {}, None),
    "FIDO SDR, grey": ("fido", {"mode": "sdr"}, "grey"),
    "FIDO SSR, grey": ("fido", {"mode": "ssr"}, "grey"),
}
"""Method, settings and in-filler of each map; None is the method's own in-filler."""


def random_masks(score: MaskedScore) -> torch.Tensor:
    """Return masks that remove the same share of cells, drawn at random."""
    order = torch.rand(DRAWS, CELLS**2, generator=torch.Generator().manual_seed(0)).argsort(1)
    keep = (order.argsort(1) >= SHARE * CELLS**2).float().view(1, DRAWS, 1, CELLS, CELLS)
    h, w = score.images.shape[-2:]
    return keep.repeat_interleave(h // CELLS, 3).repeat_interleave(w // CELLS, 4)


@torch.no_grad()
def measure(classifier: Classifier, photo: Image.Image, run: tuple) -> list[str]:
    """Return the class, and its probability for the photo and the four masks."""
    method, settings, infiller = run
    study = Study.of(classifier, photo, create("methods", method, **settings), infiller=infiller)
    with torch.enable_grad():
        study.finish()
    score = replace(study.score, measure=probability)
    top, cells = masks.top_share(study.explanation.saliency, SHARE), random_masks(score)
    values = [
        score(torch.ones_like(top)), score(1 - top), score(cells), score(top), score(1 - cells)
    ]  # fmt: skip
    name = classifier.label(int(score.targets[0]))
    return [name, *(f"{value.mean().item():.3f}" for value in values)]


def header(maps: list[str], out: Path | None) -> list[str]:
    """Return the lines before the table's rows."""
    maps_option = "" if maps == list(RUNS) else f" --maps {' '.join(map(repr, maps))}"
    name = out.name if out else "evidence.md"
    return [
        "# Removing and keeping the most salient pixels",
        "",
        f"`python benchmarks/evidence.py{maps_option} --out benchmarks/results/{name}`, "
        f"torch {torch.__version__}, Python {platform.python_version()}, CPU",
        "",
        f"Probability of the class (EfficientNet-Lite0) for the whole photo, with {SHARE:.0%} of "
        f"the pixels removed, and with only {SHARE:.0%} kept. The pixels are the most salient ones "
        f"of a map, or a random choice (mean of {DRAWS} draws of 8 x 8 cells). Removed pixels are "
        "replaced by the in-filler that the map was made with. One seed.",
        "",
        "| photo | class | map | photo | top removed | random removed | top kept | random kept |",
        "|---|---|---|---|---|---|---|---|",
    ]


def main() -> None:
    """Print the table row by row, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--photos", type=int, default=5, help="photos of the sample")
    parser.add_argument("--maps", nargs="*", default=list(RUNS), choices=list(RUNS))
    options = parser.parse_args()
    classifier = load()
    lines = header(options.maps, options.out)
    sample = recognised_photos(classifier, LEAST_PROBABILITY, single_box=True)
    photos = [("chelsea", Image.fromarray(chelsea())), *islice(sample, options.photos)]
    for name, photo in photos:
        for label in options.maps:
            target, *values = measure(classifier, photo, RUNS[label])
            lines.append(f"| {name} | {target} | {label} | {' | '.join(values)} |")
            print(lines[-1], flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
