"""Do maps depend on what the classifier has learned? Two tests of all methods.

    unsee sanity-labels --data image_folder:digits --photos 1700 --explained 30 --methods ... --out labels
    python benchmarks/sanity.py --data imagenet-val-sample.zip --labels labels --out docs/results/sanity

- Randomised weights: the layers of the classifier are randomised one after another, from the output
  down, and each map is compared with that of the original classifier (Adebayo et al., "Sanity Checks
  for Saliency Maps", NeurIPS 2018, https://arxiv.org/abs/1810.03292).
- Randomised labels: maps of a network with true labels beside those of one with shuffled labels
  (iGOS++, Figure 3, https://arxiv.org/abs/2012.15783), from the folder of `unsee sanity-labels`.

Writes README.md, weights.csv, weights.png and labels.png. Methods whose rows are in weights.csv are
not computed again.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import _rows
import numpy as np
from matplotlib.figure import Figure

from unsee import InputError, load
from unsee.classifiers.classifier import Classifier
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample
from unsee.evaluation import parameter_randomisation
from unsee.evaluation.photos import ordered
from unsee.images.drawing import save_figure
from unsee.metrics._similarity import MEASURES
from unsee.parts import resolve_parts
from unsee.registry import available
from unsee.reports.bootstrap import Mean, mean

MEASURE = "spearman"
"""Similarity in the tables: the rank correlation over the pixels."""
ORIGINAL, LAST = 0, -1
LEARNED_MAPS = ("casm", "distilled", "variational")
"""Networks that are trained for the original classifier; a random one cannot be asked."""
REFERENCES = ("box", "random")
"""Maps in which the classifier has no part: the same for every one."""


def rows_of(
    method: str, classifier: Classifier, samples: Sequence[Sample], options: argparse.Namespace
) -> Iterator[dict[str, object]]:
    """Yield the similarities of one method: a row for each photo and each randomised layer."""
    parts = resolve_parts(method, None)
    budget = None if method in REFERENCES else options.budget
    for sample in samples:
        image = classifier.framing.show(sample.photo(classifier.channels))
        steps = parameter_randomisation.check(
            classifier, image, parts.method, steps=options.layers, infiller=parts.infiller,
            measure=parts.measure, budget=budget,
        )  # fmt: skip
        for step, result in enumerate(steps):
            values = {name: result.similarity[name][0] for name in MEASURES}
            yield {
                "method": method, "photo": sample.id, "step": step, "layer": result.layer, **values
            }  # fmt: skip


def measure_weights(options: argparse.Namespace) -> list[dict[str, str]]:
    """Return the rows of all methods; compute those that `weights.csv` lacks."""
    path = options.out / "weights.csv"
    rows = _rows.read(path)
    done = {row["method"] for row in rows}
    classifier = load(options.classifier)
    samples = ordered(load_data(options.data), "random", 0)[: options.photos]
    for method in options.methods:
        if method in done:
            continue
        try:
            new = list(rows_of(method, classifier, samples, options))
        except InputError as error:
            print(f"{method}: {error}", flush=True)
            continue
        rows += [{key: str(value) for key, value in row.items()} for row in new]
        _rows.write(path, rows)
        print(method, flush=True)
    return rows


def weight_means(rows: Sequence[dict[str, str]]) -> dict[str, list[Mean]]:
    """Return the mean similarity of each method after each randomised layer.

    Methods are sorted by the last mean, the least similar first.
    """
    values: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        steps = values.setdefault(row["method"], {})
        steps.setdefault(int(row["step"]), []).append(float(row[MEASURE]))
    means = {name: [mean(steps[step]) for step in sorted(steps)] for name, steps in values.items()}
    return dict(sorted(means.items(), key=lambda item: item[1][LAST].value))


def label_means(folder: Path) -> dict[str, Mean]:
    """Return the mean similarity of maps of true and of shuffled labels, the lowest first."""
    values: dict[str, list[float]] = {}
    for row in _rows.read(folder / "rows.csv"):
        values.setdefault(row["method"], []).append(float(row[MEASURE]))
    means = {name: mean(numbers) for name, numbers in values.items()}
    return dict(sorted(means.items(), key=lambda item: item[1].value))


def draw_weights(means: dict[str, list[Mean]], layers: Sequence[str]) -> Figure:
    """Draw the mean similarity of each method (rows) after each layer (columns)."""
    table = np.array([[cell.value for cell in row[1:]] for row in means.values()])
    figure = Figure(figsize=(6.4, 0.6 + 0.27 * len(means)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(table, vmin=-1, vmax=1, cmap="RdBu_r", aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(layers)), layers, fontsize=8, rotation=20, ha="right")
    axes.set_yticks(range(len(means)), list(means), fontsize=8)
    axes.set_xlabel("all layers from the output down to this one are random", fontsize=9)
    figure.colorbar(image, ax=axes, label="rank correlation with the map of the original")
    return figure


def draw_labels(means: dict[str, Mean]) -> Figure:
    """Draw the similarity of each method with its interval."""
    figure = Figure(figsize=(6.4, 0.6 + 0.24 * len(means)), layout="constrained")
    axes = figure.subplots()
    for row, value in enumerate(means.values()):
        if value.has_interval:
            axes.plot([value.low, value.high], [row, row], color="#2a9d8f", lw=2)
        axes.plot(value.value, row, "D", color="#d1495b", ms=5)
    axes.axvline(0, color="grey", lw=0.8)
    axes.set_yticks(range(len(means)), list(means), fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("rank correlation of the maps for true and for shuffled labels", fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    return figure


def text_of_weights(
    options: argparse.Namespace, rows: Sequence[dict[str, str]], means: dict[str, list[Mean]]
) -> list[str]:
    """Return the section on randomised weights."""
    layers = layers_of(rows)
    photos = len({row["photo"] for row in rows})
    last = {name: row[LAST] for name, row in means.items()}
    what = "with all weights random, the correlation of their maps with the original ones"
    command = (
        f"python benchmarks/sanity.py --data {Path(options.data).name} --photos {options.photos} "
        f"--layers {options.layers} --budget {options.budget}"
    )
    lines = [
        "## Random weights, layer by layer",
        "",
        f"`{command}`",
        "",
        f"{options.classifier}, {photos} random photos of the ImageNet validation sample, the "
        "predicted class of the original classifier. Iterative methods have "
        f"{options.budget} passes for a map, fewer than their defaults. Rank correlation with "
        "the map of the original; mean and, for all layers random, 95 % interval over photos.",
        "",
        "![Similarity of each method after each layer](weights.png)",
        "",
        "| method | " + " | ".join(f"down to `{layer}`" for layer in layers) + " |",
        "|---|" + "---|" * len(layers),
    ]
    for name, row in means.items():
        cells = [f"{cell.value:.2f}" for cell in row[1:LAST]] + [str(row[LAST])]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"{_passed(last, options.unlike, what)} `box` and `random` do not ask the classifier, so "
        f"their maps stay the same.{_note_of_constant(last)}",
        "",
    ]
    return lines


def text_of_labels(options: argparse.Namespace, means: dict[str, Mean]) -> list[str]:
    """Return the section on randomised labels."""
    manifest = json.loads((options.labels / "manifest.json").read_text(encoding="utf-8"))
    networks = {item["labels"]: item for item in manifest["learned"]}
    accuracies = ", ".join(
        f"{name}: {item['accuracy']:.0%} after {item['epochs']} epochs"
        for name, item in networks.items()
    )
    count = max(value.photos for value in means.values())
    return [
        "## Shuffled labels (iGOS++, Figure 3)",
        "",
        "```bash",
        "python benchmarks/digits.py --out digits",
        f"unsee sanity-labels --data image_folder:digits --photos {manifest['photos']} "
        f"--explained {count} --methods {' '.join(manifest['methods'])} --out labels",
        "```",
        "",
        f"Two networks learn the same {manifest['photos']} digits of scikit-learn (the paper: "
        f"Fashion-MNIST, `--data fashion_mnist:PATH`): accuracy on what they learned, "
        f"{accuracies}. Both explain the true labels of {count} other digits.",
        "",
        "![Similarity of maps for true and for shuffled labels](labels.png)",
        "",
        "| method | rank correlation |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in means.items()),
        "",
        _passed(means, options.unlike, "the mean correlation") + _note_of_constant(means),
        "",
    ]


def _passed(means: dict[str, Mean], unlike: float, what: str) -> str:
    """Return how many methods have unlike maps, and which others have not."""
    changed = [name for name, value in means.items() if abs(value.value) < unlike]
    alike = [name for name in means if name not in changed and name not in REFERENCES]
    return (
        f"**{len(changed)} of {len(means)} methods pass**: {what} is below {unlike:g} in size. "
        f"Above it: {', '.join(alike) or 'none'}."
    )


def _note_of_constant(means: dict[str, Mean]) -> str:
    """Return which methods have constant maps, whose correlation counts as 0."""
    names = [name for name, value in means.items() if value.value == value.low == value.high == 0]
    verb = "finds" if len(names) == 1 else "find"
    return (
        f" {', '.join(f'`{name}`' for name in names)} {verb} no evidence in one of the two "
        "networks; a constant map counts as 0."
        if names
        else ""
    )


def layers_of(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return the names of the randomised layers, the output first."""
    names = {int(row["step"]): row["layer"] for row in rows}
    return [names[step] for step in sorted(names) if step != ORIGINAL]


def main() -> None:
    """Compute the maps, draw and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="photos")
    parser.add_argument("--labels", type=Path, help="folder of `unsee sanity-labels`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--classifier", default="efficientnet_lite0")
    parser.add_argument("--photos", type=int, default=5)
    parser.add_argument("--layers", type=int, default=4, help="number of randomised layers")
    parser.add_argument("--budget", type=int, default=100, help="passes for a map")
    parser.add_argument("--unlike", type=float, default=0.3, help="correlation of unlike maps")
    methods = [name for name in available("methods") if name not in LEARNED_MAPS]
    parser.add_argument("--methods", nargs="+", default=methods)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = measure_weights(options)
    weights = weight_means(rows)
    save_figure(draw_weights(weights, layers_of(rows)), options.out / "weights.png", 110)
    lines = [
        "# Do maps depend on what the classifier has learned?",
        "",
        "A map that stays the same when the classifier forgets what it learned explains the "
        "photo, not the classifier (Adebayo et al., 2018).",
        "",
        *text_of_weights(options, rows, weights),
    ]
    if options.labels:
        labels = label_means(options.labels)
        save_figure(draw_labels(labels), options.out / "labels.png", 110)
        lines += text_of_labels(options, labels)
    lines += [f"Computed {date.today()}."]
    (options.out / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
