"""Count how many pixels must be in-filled until a classifier's second answer is its first.

    python benchmarks/counterfactuals.py --data imagenet-val-sample.zip --out docs/results/counterfactuals

For random photos that are answered rightly, `unsee.results.counterfactual` removes pixels in the
order of three maps: of the answer against the second answer, of the answer alone, and a random
one. Writes README.md, rows.csv and examples.png. Where there is a rows.csv, only the page is made.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import _rows
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from unsee import Against, InputError, Study, load
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import name_of
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample
from unsee.evaluation.photos import ordered
from unsee.images.drawing import save_figure, show, to_pixels
from unsee.reports.bootstrap import Mean, mean
from unsee.results.counterfactual import Counterfactual, counterfactual

ORDERS = ("against", "alone", "random")
TITLES = {
    "against": "the answer against the second answer",
    "alone": "the answer alone",
    "random": "random cells",
}
"""What the pixels are ordered by."""
LARGEST = 0.6
"""Largest share of the pixels that is in-filled."""
EXAMPLES = 4
"""Photos in the picture."""


class Result(NamedTuple):
    """The counterfactuals of a photo by the order of the pixels."""

    photo: str
    image: Tensor
    answer: str
    second: str
    by_order: dict[str, Counterfactual]


def results_of(
    samples: Sequence[Sample], classifier: Classifier, options: argparse.Namespace
) -> Iterator[Result]:
    """Yield the counterfactuals of photos that are answered rightly."""
    taken = 0
    for sample in samples:
        image = classifier.framing.show(sample.photo(classifier.channels))
        answer, second = classifier.predict(image)[0].topk(2).indices.tolist()
        if answer != sample.target:
            continue
        settings = {"infiller": options.infiller, "budget": options.budget, "targets": answer}
        studies = {
            "against": Study.of(
                classifier, image, options.method, measure=Against(second), **settings
            ),
            "alone": Study.of(classifier, image, options.method, **settings),
            "random": Study.of(classifier, image, "random:grid=28", targets=answer),
        }
        try:
            maps = {name: study.finish().saliency for name, study in studies.items()}
        except InputError as error:
            print(f"{sample.id}: {error}", flush=True)
            continue
        study, found = studies["against"], {}
        for name, saliency in maps.items():
            study.explanation = replace(study.explanation, saliency=saliency)
            found[name] = counterfactual(
                study, options.picture_infiller, samples=options.samples, largest=LARGEST
            )
        names = [name_of(classifier.labels, index) for index in (answer, second)]
        yield Result(sample.id, image, *names, found)
        taken += 1
        if taken == options.photos:
            return


def rows_of(result: Result) -> Iterator[dict[str, object]]:
    """Yield a row for each order of the pixels."""
    for order, one in result.by_order.items():
        yield {
            "photo": result.photo, "answer": result.answer, "second": result.second,
            "order": order, "reached": int(one.reached), "share": f"{one.share:.5f}",
        }  # fmt: skip


def draw(results: Sequence[Result]) -> Figure:
    """Draw photos, the pixels that are in-filled, and the first sample, for the first order."""
    figure = Figure(figsize=(7.2, 2.7 * len(results)), layout="constrained")
    for row, result in zip(figure.subplots(len(results), 3, squeeze=False), results, strict=True):
        one = result.by_order["against"]
        sample = one.samples[0]
        probability = sample.probabilities[one.wanted].item()
        show(row[0], to_pixels(result.image[0]))
        row[0].set_title(result.answer, fontsize=9)
        show(row[1], to_pixels(result.image[0] * ~one.removed))
        row[1].set_title(f"{one.share:.0%} removed", fontsize=9)
        show(row[2], to_pixels(sample.picture[0]))
        row[2].set_title(f"{result.second} {probability:.0%}", fontsize=9)
    return figure


def column(rows: Sequence[dict[str, str]], order: str, key: str) -> np.ndarray:
    """Return the values of an order of the pixels, by photo."""
    return np.array([float(row[key]) for row in rows if row["order"] == order])


def less(rows: Sequence[dict[str, str]], order: str) -> Mean:
    """Return how much smaller the share of the first order is, where both reach the answer."""
    first, other = (column(rows, name, "share") for name in (ORDERS[0], order))
    both = (column(rows, ORDERS[0], "reached") * column(rows, order, "reached")) > 0
    return mean((other - first)[both].tolist())


def words(value: Mean) -> str:
    """Return a mean with its interval, or a dash where there is no photo."""
    return str(value) if value.photos else "-"


def report(rows: Sequence[dict[str, str]], options: argparse.Namespace) -> str:
    """Return the page."""
    photos = len(rows) // len(ORDERS)
    lines = [
        "# What instead? Pixels that decide between two answers",
        "",
        "How many pixels must be in-filled until the second answer of the classifier is its first "
        "one, and does the map of *why A and not B* need fewer than that of *why A*?",
        "",
        "```bash",
        f"python benchmarks/counterfactuals.py --data {Path(options.data).name} "
        f"--photos {options.photos} --method {options.method} --budget {options.budget}",
        "unsee counterfactual photo.jpg --contrast lakeside     # one photo",
        "```",
        "",
        f"{photos} random photos of the ImageNet validation sample that {options.classifier} answers "
        f"rightly, {date.today()}. Pixels are removed in the order of the map of `{options.method}` "
        f"with {options.budget} passes, up to {LARGEST:.0%} of them, and in-filled by "
        f"`{options.picture_infiller}` with {options.samples} seeds. Mean and 95 % bootstrap interval "
        "(BCa).",
        "",
        "| pixels in the order of the map of | second answer reached | share of the pixels, where "
        "reached | more than the first row, where both reach it |",
        "|---|---|---|---|",
    ]
    for order in ORDERS:
        reached, shares = column(rows, order, "reached"), column(rows, order, "share")
        difference = less(rows, order)
        cells = [
            TITLES[order], f"{int(reached.sum())} of {photos}", words(mean(shares[reached > 0].tolist())),
            "" if order == ORDERS[0] else f"{words(difference)}, n = {difference.photos}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"**Where both reach the second answer, the map against it needs {verdict(rows)}.**",
        "",
    ]
    lines += [
        "![Photos, the pixels that are removed, and the in-filled picture with its new answer](examples.png)",
        "",
        "The in-filler continues the surroundings and does not draw the other class. So the second "
        "answer is reached where something in the photo speaks for it.",
    ]
    return "\n".join(lines) + "\n"


def verdict(rows: Sequence[dict[str, str]]) -> str:
    """Return the comparison of the first order with the others, in words."""
    texts = []
    for order in ORDERS[1:]:
        difference = less(rows, order)
        if not difference.has_interval or difference.low <= 0 <= difference.high:
            how = "not significantly fewer or more pixels than"
        else:
            how = "fewer pixels than" if difference.low > 0 else "more pixels than"
        texts.append(f"{how} {'the map of ' * (order == 'alone')}{TITLES[order]}")
    return " and ".join(texts)


def compute(options: argparse.Namespace) -> list[dict[str, str]]:
    """Compute the rows of all photos, and draw some of them."""
    rows: list[dict[str, str]] = []
    shown: list[Result] = []
    samples = ordered(load_data(options.data), "random", 0)
    for result in results_of(samples, load(options.classifier), options):
        rows += [{key: str(value) for key, value in row.items()} for row in rows_of(result)]
        if result.by_order["against"].reached and len(shown) < EXAMPLES:
            shown.append(result)
        print(result.photo, result.answer, result.second, flush=True)
    if shown:
        save_figure(draw(shown), options.out / "examples.png", 100)
    return rows


def main() -> None:
    """Compute what is not stored, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--classifier", default="efficientnet_lite0")
    parser.add_argument("--method", default="tide")
    parser.add_argument("--infiller", help="in-filler of the method")
    parser.add_argument("--picture-infiller", default="painter")
    parser.add_argument("--budget", type=int, default=160)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--photos", type=int, default=20)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "rows.csv"
    rows = _rows.read(path)
    if not rows:
        rows = compute(options)
        _rows.write(path, rows)
    (options.out / "README.md").write_text(report(rows, options), encoding="utf-8")


if __name__ == "__main__":
    main()
