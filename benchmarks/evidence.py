"""Does the evidence matter? Remove and keep the top 15 % of each map, and 15 % at random.

    python benchmarks/evidence.py --out benchmarks/results/evidence.md

On chelsea (scikit-image) and on the first photos of the validation sample that the default
classifier gets right with one box and more than half of the probability. Each map is judged with
the in-filler that it was made with; the random control removes whole cells of 8 x 8 pixels.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import io
import json
import platform
import zipfile
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from skimage.data import chelsea

from unsee import Classifier, Study, create, load
from unsee.classifiers.measures import probability
from unsee.inputs import as_images
from unsee.masking import masks
from unsee.masking.score import MaskedScore

SHARE, DRAWS, CELLS = 0.15, 20, 28
SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "imagenet-val-sample.zip"
RUNS = {
    "TIDE, blur": ("tide", {}, None),
    "TIDE, grey": ("tide", {}, "grey"),
    "iGOS++, blur": ("igos_pp", {}, None),
    "FIDO SDR, grey": ("fido", {"mode": "sdr"}, "grey"),
    "FIDO SSR, grey": ("fido", {"mode": "ssr"}, "grey"),
}


def photos(classifier: Classifier, count: int) -> list[tuple[str, Image.Image]]:
    """Chelsea and `count` photos of the sample."""
    found = [("chelsea", Image.fromarray(chelsea()))]
    with zipfile.ZipFile(SAMPLE) as archive:
        for note in json.loads(archive.read("annotations.json")):
            picture = Image.open(io.BytesIO(archive.read(f"images/{note['file']}")))
            p = classifier.predict(as_images(picture, classifier)).softmax(1)[0]
            if len(note["boxes"]) == 1 and p.argmax() == note["index"] and p.max() > 0.5:
                found.append((Path(note["file"]).stem.removeprefix("ILSVRC2012_"), picture))
            if len(found) > count:
                break
    return found


def random_cells(score: MaskedScore) -> torch.Tensor:
    """Masks that remove the same share of cells, drawn at random."""
    places = torch.rand(DRAWS, CELLS**2, generator=torch.Generator().manual_seed(0))
    keep = (
        (places.argsort(1).argsort(1) >= SHARE * CELLS**2).float().view(1, DRAWS, 1, CELLS, CELLS)
    )
    h, w = score.images.shape[-2:]
    return keep.repeat_interleave(h // CELLS, 3).repeat_interleave(w // CELLS, 4)


@torch.no_grad()
def row(classifier: Classifier, picture: Image.Image, run: tuple) -> list[str]:
    """Class, and its probability under the photo and the four masks."""
    method, settings, infiller = run
    study = Study.of(classifier, picture, create("methods", method, **settings), infiller=infiller)
    with torch.enable_grad():
        study.finish()
    score = replace(study.score, measure=probability)
    top, cells = masks.top_share(study.explanation.saliency, SHARE), random_cells(score)
    numbers = [
        score(torch.ones_like(top)), score(1 - top), score(cells), score(top), score(1 - cells)
    ]  # fmt: skip
    name = classifier.label(int(score.targets[0]))
    return [name, *(f"{value.mean().item():.3f}" for value in numbers)]


def main() -> None:
    """Print the table as it grows, and write it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--photos", type=int, default=5)
    arguments.add_argument("--maps", nargs="*", default=list(RUNS))
    chosen = arguments.parse_args()
    classifier = load()
    only = "" if chosen.maps == list(RUNS) else f" --maps {' '.join(map(repr, chosen.maps))}"
    name = chosen.out.name if chosen.out else "evidence.md"
    lines = [
        "# What the evidence is worth",
        "",
        f"Probability of the class (EfficientNet-Lite0) without and with nothing but {SHARE:.0%} of "
        f"the pixels: those a map puts first, and {SHARE:.0%} at random (mean of {DRAWS} draws of "
        "8 x 8 cells). In-filled with what the map was made with. One seed.",
        "",
        f"`python benchmarks/evidence.py{only} --out benchmarks/results/{name}`, torch {torch.__version__}, Python {platform.python_version()}, CPU",
        "",
        "| photo | class | map | photo | top removed | random removed | top kept | random kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, picture in photos(classifier, chosen.photos):
        for label, run in ((name, RUNS[name]) for name in chosen.maps):
            target, *numbers = row(classifier, picture, run)
            lines.append(f"| {name} | {target} | {label} | {' | '.join(numbers)} |")
            print(lines[-1], flush=True)
    if chosen.out:
        chosen.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
