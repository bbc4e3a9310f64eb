"""Draw the papers' strips: one photo in a row, with one thing changed from picture to picture.

    python benchmarks/gallery.py --out docs/gallery                       # all strips
    python benchmarks/gallery.py --out docs/gallery --strips seeds grid   # some of them

FIDO (Chang et al., ICLR 2019), Figures 1, 2, 3, 4, 6, 7, 9, 10, 11, iGOS++ (Khorram, Lawson & Li, CHIL 2021), Figures 9
and 10, and CASM (Zolna, Geras & Cho, 2018), Figure 2. FIDO runs with 300 passes for a map in place of 2400, BBMP with its
published 300, iGOS++ with 10 steps of 3 points in place of 20 of 15. Below a strip stands the mean rank correlation of its
maps.
"""

import argparse
import io
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from unsee import Study, load
from unsee.classifiers.classifier import Classifier
from unsee.images import reading
from unsee.images.drawing import overlay, save_figure, show, to_pixels
from unsee.metrics._similarity import similarity
from unsee.registry import resolve
from unsee.studio.samples import PHOTOS

FIDO = "fido:steps=75,samples=4,rate=0.2,ramp=0"
BBMP = "bbmp:steps=300"
BBMP_WEIGHTS = ("1e-3", "2e-3", "5e-3", "1e-2")
IGOS = "igos_pp:steps=10,path=3"
INFILLERS = {
    "mean": "mean", "blur": "blur:sigma=10,kernel=0", "random": "random", "local": "local",
    "painter": "painter",
}  # fmt: skip
"""In-fillers of the strips. The paper's heuristics, and ours in place of its CA."""
DARKNET = 'file:"{}",mean=[0,0,0],std=[1,1,1]'


class Picture(NamedTuple):
    """One picture of a strip: how its map is made."""

    title: str
    method: str
    infiller: str | None = None
    classifier: str = "efficientnet_lite0"
    seed: int = 0


class Strip(NamedTuple):
    """A row of pictures of one photo."""

    question: str
    source: str
    photo: str
    pictures: list[Picture]


def strips(darknet: Path | None) -> dict[str, Strip]:
    """Return all strips by name."""
    classifiers = {
        "EfficientNet-Lite0": "efficientnet_lite0",
        "EfficientNet-Lite2": "efficientnet_lite2",
    }
    if darknet is not None:
        classifiers["Tiny Darknet"] = DARKNET.format(darknet)
    return {
        "objectives": Strip(
            "Do the smallest sufficient region (SSR) and the smallest destroying region (SDR) "
            "agree, and does the in-filler matter?",
            "FIDO, Figures 1, 3, 4", "chelsea",
            [
                Picture(f"{mode.upper()}, {name}", f"{FIDO},mode={mode}", name)
                for name in ("mean", "painter")
                for mode in ("ssr", "sdr")
            ],
        ),
        "infillers": Strip(
            "What does the in-filler change?", "FIDO, Figure 4", "panda",
            [Picture(name, FIDO, spec) for name, spec in INFILLERS.items()],
        ),
        "networks": Strip(
            "Do networks depend on the same regions?", "FIDO, Figure 6", "motorcycle",
            [Picture(name, FIDO, "painter", spec) for name, spec in classifiers.items()],
        ),
        "sparsity": Strip(
            "How does the weight of the area change FIDO's map?", "FIDO, Figure 7", "coffee",
            [Picture(f"weight {s}", f"{FIDO},sparsity={s}") for s in ("2e-5", "5e-4", "1e-3", "2e-3")],
        ),
        "sparsity-bbmp": Strip(
            "And that of BBMP?", "FIDO, Figure 7", "coffee",
            [Picture(f"weight {s}", f"{BBMP},sparsity={s}", INFILLERS["blur"]) for s in BBMP_WEIGHTS],
        ),
        "sparsity-random": Strip(
            "And that of BBMP with random colours?", "FIDO, Figure 7", "coffee",
            [Picture(f"weight {s}", f"{BBMP},sparsity={s}", "random") for s in BBMP_WEIGHTS],
        ),
        "grid": Strip(
            "How does the size of the mask change the map?", "FIDO, Figure 9", "crocodile",
            [Picture(f"{n} x {n}", f"{FIDO},grid={n}") for n in (28, 56, 112)],
        ),
        "seeds": Strip(
            "How much do maps of other seeds differ?", "FIDO, Figure 10", "flower",
            [Picture(f"seed {n}", FIDO, seed=n) for n in range(4)],
        ),
        "smoothness": Strip(
            "What does total variation change?", "FIDO, Figure 11", "panda",
            [Picture(f"weight {s}", f"{FIDO},smoothness={s}") for s in ("0", "0.001", "0.01", "0.1")],
        ),
        "resolutions": Strip(
            "What does the resolution of iGOS++ change?", "iGOS++, Figure 9", "motorcycle",
            [Picture(f"{n} x {n}", f"{IGOS},grid={n},sparsity={10 if n == 224 else 1}")
             for n in (7, 14, 28, 224)],
        ),
        "variation": Strip(
            "What does the bilateral variation change in comparison with the plain one?",
            "iGOS++, Figure 10", "crocodile",
            [Picture(f"{name}, weight {weight}",
                     f"{IGOS},grid=224,sparsity=10,variation={name},smoothness={weight}")
             for name in ("bilateral", "plain") for weight in (2, 20, 200)],
        ),
    }  # fmt: skip


class Explained(NamedTuple):
    """An image in the frame of its classifier, its map, and the class with its probability."""

    image: Tensor
    saliency: Tensor
    answer: str


def explain(picture: Picture, photo: Path, labels: Sequence[str]) -> Explained:
    """Explain the answer of the classifier of a picture; `labels` serve those without names."""
    classifier = load(picture.classifier, trust=picture.classifier.startswith("file:"))
    image = classifier.framing.show(reading.read(str(photo), 3).pixels)
    study = Study.of(
        classifier, image, picture.method, infiller=picture.infiller, seed=picture.seed
    )
    saliency = study.finish().saliency[0]
    target = int(study.score.targets[0])
    name = classifier.label(target) if classifier.labels else labels[target]
    value = classifier.probabilities(image)[0, target].item()
    return Explained(image[0], saliency, f"{name} {value:.0%}")


def save_jpeg(figure: Figure, path: Path) -> None:
    """Write a figure as a JPEG file."""
    content = io.BytesIO()
    save_figure(figure, content, 100)
    Image.open(content).convert("RGB").save(path, quality=85)


def draw(strip: Strip, photos: Path, path: Path) -> float:
    """Draw a strip; return the mean rank correlation of its maps."""
    labels, photo = load("efficientnet_lite0").labels, photos / f"{strip.photo}.jpg"
    results = [explain(picture, photo, labels) for picture in strip.pictures]
    figure = Figure(figsize=(2.35 * (len(results) + 1), 2.75), layout="constrained")
    axes = figure.subplots(1, len(results) + 1, squeeze=False)[0]
    same = len({result.answer for result in results}) == 1
    show(axes[0], to_pixels(results[0].image))
    axes[0].set_title(results[0].answer if same else "photo", fontsize=9)
    for axis, picture, result in zip(axes[1:], strip.pictures, results, strict=True):
        show(axis, overlay(result.image, result.saliency))
        title = picture.title if same else f"{picture.title}\n{result.answer}"
        axis.set_title(title, fontsize=9)
    save_jpeg(figure, path)
    planes = [result.saliency for result in results]
    if len({plane.shape for plane in planes}) > 1:  # networks with inputs of other sizes
        planes = [
            torch.nn.functional.interpolate(p[None, None], (224, 224), mode="bilinear")[0, 0]
            for p in planes
        ]
    return float(np.mean([similarity(a, b) for a, b in itertools.combinations(planes, 2)]))


def holes(classifier: Classifier, photos: Path, names: list[str], path: Path) -> str:
    """Draw photos whose centre is in-filled by each in-filler; return a table."""
    infillers = {**INFILLERS, "patchmatch": "patchmatch"}
    columns = len(infillers) + 1
    figure = Figure(figsize=(2.1 * columns, 2.5 * len(names)), layout="constrained")
    lines = []
    for row, name in zip(figure.subplots(len(names), columns, squeeze=False), names, strict=True):
        image = classifier.framing.show(reading.read(str(photos / f"{name}.jpg"), 3).pixels)
        h, w = image.shape[-2:]
        keep = torch.ones(1, 1, 1, h, w)
        keep[..., h // 4 : h - h // 4, w // 4 : w - w // 4] = 0
        score = Study.of(classifier, image, "random").score
        views = {"photo": image}
        for title, spec in infillers.items():
            views[title] = replace(score, infiller=resolve("infillers", spec)).pictures(keep)
        lines.append(show_row(row, name, views, classifier, int(score.targets[0])))
    save_jpeg(figure, path)
    head = f"| photo | as it is | {' | '.join(infillers)} |\n|---|{'---|' * columns}\n"
    return head + "\n".join(lines)


def show_row(
    row: Sequence[Axes], name: str, views: dict[str, Tensor], classifier: Classifier, target: int
) -> str:
    """Draw pictures of one photo with the probability of a class; return it as a row of a table."""
    values = classifier.probabilities(torch.cat(list(views.values())))[:, target].tolist()
    label = classifier.label(target)
    for axis, (title, picture), value in zip(row, views.items(), values, strict=True):
        show(axis, to_pixels(picture[0]))
        axis.set_title(f"{title}\n{label} {value:.0%}", fontsize=9)
    return f"| {name}: {label} | {' | '.join(f'{value:.0%}' for value in values)} |"


def masked(classifier: Classifier, photos: Path, names: list[str], path: Path) -> str:
    """Draw photos masked in, masked out and in-painted by CASM's masks; return a table."""
    figure = Figure(figsize=(2.3 * 4, 2.7 * len(names)), layout="constrained")
    lines = []
    for row, name in zip(figure.subplots(len(names), 4, squeeze=False), names, strict=True):
        image = classifier.framing.show(reading.read(str(photos / f"{name}.jpg"), 3).pixels)
        study = Study.of(classifier, image, "casm", infiller="grey")
        keep = (study.finish().saliency > 0.5).float()[:, None, None]
        painted = replace(study.score, infiller=resolve("infillers", "telea"))
        views = {
            "photo": image,
            "masked in": study.score.pictures(keep),
            "masked out": study.score.pictures(1 - keep),
            "in-painted (Telea)": painted.pictures(1 - keep),
        }
        lines.append(show_row(row, name, views, classifier, int(study.score.targets[0])))
    save_jpeg(figure, path)
    head = "| photo | as it is | masked in | masked out | in-painted |\n|---|---|---|---|---|\n"
    return head + "\n".join(lines)


class Panel(NamedTuple):
    """Photos in rows, with a table of probabilities."""

    question: str
    source: str
    caption: str
    draw: Callable[[Classifier, Path, list[str], Path], str]
    names: list[str]


PANELS = {
    "holes": Panel(
        "What does each in-filler put into a hole?", "FIDO, Figure 2",
        "A hole in the centre, in-filled by six in-fillers", holes, ["panda", "coffee", "rocket"],
    ),
    "casm": Panel(
        "What do CASM's masks keep?", "CASM, Figure 2", "Masked in, masked out, in-painted",
        masked, ["panda", "motorcycle", "crocodile"],
    ),
}  # fmt: skip


def main() -> None:
    """Draw the strips and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--darknet", type=Path, help="TorchScript file of Tiny Darknet")
    parser.add_argument("--strips", nargs="+", help="names; all by default")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Strips of the papers\n",
        f"`python benchmarks/gallery.py --out gallery --darknet tiny_darknet.pt`, {date.today()}: one photo in a row, one thing changed from picture to picture. FIDO takes 300 passes for a map in place of 2400; BBMP takes its published 300, iGOS++ 10 steps of 3 points in place of 20 of 15.\n",
    ]
    for name, strip in strips(options.darknet).items():
        if options.strips and name not in options.strips:
            continue
        agreement = draw(strip, options.photos, options.out / f"{name}.jpg")
        parts.append(
            f"## {strip.question}\n\n{strip.source}: `python benchmarks/gallery.py --out gallery --strips {name}`\n\n"
            f"![{strip.question}]({name}.jpg)\n\nMean rank correlation of the maps: {agreement:.2f}.\n"
        )
        print(name, round(agreement, 2), flush=True)
    for name, panel in PANELS.items():
        if options.strips and name not in options.strips:
            continue
        path = options.out / f"{name}.jpg"
        table = panel.draw(load("efficientnet_lite0"), options.photos, panel.names, path)
        parts.append(
            f"## {panel.question}\n\n{panel.source}: `python benchmarks/gallery.py --out gallery --strips {name}`\n\n"
            f"![{panel.caption}]({path.name})\n\nProbability of the answer:\n\n{table}\n"
        )
    (options.out / "README.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
