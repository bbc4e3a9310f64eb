"""Compare maps of natural photos with those of adversarial examples (iGOS++, Figure 4).

    python benchmarks/adversarial.py --data imagenet-val-sample.zip --out docs/results/adversarial

Each photo is attacked towards one class (data set `attacked`), and both are explained for the answer
of the classifier. In the paper, the insertion curves of adversarial examples rise only after almost
all pixels are shown. `lateness` is the share of pixels after which they have risen by half; here it
serves as a detector, with its ROC curve. Writes README.md, roc.png and examples.png; the runs are in
`--runs` and resume.

Khorram, Lawson & Li, "iGOS++", CHIL 2021, https://arxiv.org/abs/2012.15783.
"""

import argparse
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import bootstrap, mannwhitneyu
from sklearn.metrics import roc_curve

from unsee import Study, load
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import index_of, name_of
from unsee.cli import main as unsee
from unsee.datasets._loading import load_data
from unsee.evaluation.store import Store
from unsee.images.drawing import overlay, save_figure, show, to_pixels
from unsee.metrics import _curves
from unsee.reports.bootstrap import MIN_PHOTOS, TOO_FEW, mean

NATURAL = "none"
LATENESS, INSERTION = "lateness", "insertion:protocol=igos"
EXAMPLES = 3
"""Photos in the picture."""


class Pairs(NamedTuple):
    """Metrics of natural photos and of their adversarial examples, where the attack succeeded."""

    attempts: int
    """Photos with both maps whose natural answer is another class than the target."""
    photos: list[str]
    natural: dict[str, NDArray[np.float64]]
    attacked: dict[str, NDArray[np.float64]]


def spec_of(options: argparse.Namespace, attack: str) -> str:
    """Return the data set of an attack."""
    settings = f",target={options.target},epsilon={options.epsilon}" if attack != NATURAL else ""
    return f"attacked:{options.data},attack={attack},classifier={options.classifier}{settings}"


def rows_of(options: argparse.Namespace, attack: str) -> dict[str, dict]:
    """Evaluate the photos of an attack, unless that is done; return their rows by photo."""
    folder = options.runs / attack
    words = [
        "evaluate", "--data", spec_of(options, attack), "--classifiers", options.classifier,
        "--methods", options.method, "--metrics", LATENESS, INSERTION, "--target", "top1",
        "--fit", "resize", "--limit", str(options.limit), "--out", str(folder),
    ]  # fmt: skip
    status = unsee([*words, *(["--trust"] if options.trust else [])])
    if status > 1:  # 1: single photos have no map, which are left out
        raise SystemExit(status)
    return {row["photo"]: row for row in Store(folder).walk() if not row["error"]}


def pairs_of(natural: dict[str, dict], attacked: dict[str, dict], target: int) -> Pairs:
    """Return the metrics of the photos that are answered as the target after the attack only."""
    tried = [p for p in attacked if p in natural and natural[p]["predicted"] != target]
    photos = [
        photo
        for photo in tried
        if attacked[photo]["predicted"] == target
        and all(np.isfinite(rows[photo][LATENESS]) for rows in (natural, attacked))
    ]
    columns = [
        {name: np.array([rows[p][name] for p in photos], float) for name in (LATENESS, INSERTION)}
        for rows in (natural, attacked)
    ]
    return Pairs(len(tried), photos, *columns)


def labelled(
    natural: NDArray[np.float64], attacked: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return 0 for each natural and 1 for each attacked photo, and the numbers of all."""
    labels = np.repeat([0, 1], [len(natural), len(attacked)])
    return labels, np.concatenate([natural, attacked])


def area(
    natural: NDArray[np.float64], attacked: NDArray[np.float64], axis: int = -1
) -> NDArray[np.float64]:
    """Return the area under the ROC curve of a number that is higher for attacked photos.

    It is the statistic of Mann and Whitney over the number of pairs.
    """
    pairs = natural.shape[axis] * attacked.shape[axis]
    statistic = mannwhitneyu(attacked, natural, axis=axis, method="asymptotic").statistic
    share: NDArray[np.float64] = statistic / pairs
    return share


def area_with_interval(pairs: Pairs) -> str:
    """Return the area under the ROC curve of `lateness`, with its 95 % bootstrap interval."""
    natural, attacked = pairs.natural[LATENESS], pairs.attacked[LATENESS]
    if not len(natural):
        return "-"
    value = area(natural, attacked)
    if len(natural) < MIN_PHOTOS:
        return f"{value:.3f} {TOO_FEW}"
    low, high = bootstrap(
        (natural, attacked),
        area,
        paired=True,
        n_resamples=2000,
        method="percentile",
        rng=0,
    ).confidence_interval
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def draw_roc(pairs: dict[str, Pairs]) -> Figure:
    """Draw the ROC curve of each attack, and histograms of `lateness`."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    roc, *others = figure.subplots(1, 1 + len(pairs))
    for (attack, pair), axes in zip(pairs.items(), others, strict=True):
        if not pair.photos:
            continue
        natural, attacked = pair.natural[LATENESS], pair.attacked[LATENESS]
        false, true, _ = roc_curve(*labelled(natural, attacked))
        roc.plot(false, true, label=f"{attack}: {area(natural, attacked):.2f}")
        bins = np.linspace(0, 1, 21)
        axes.hist(natural, bins, alpha=0.7, label="natural")
        axes.hist(attacked, bins, alpha=0.7, label=f"after {attack}")
        axes.set_xlabel("lateness")
        axes.set_ylabel("photos")
        axes.legend(frameon=False, fontsize=8)
    roc.plot([0, 1], [0, 1], color="grey", lw=0.8, ls=":")
    roc.set_xlabel("natural photos that are called attacked")
    roc.set_ylabel("attacked photos that are found")
    roc.set_title("ROC of lateness, with areas", fontsize=10, loc="left")
    roc.legend(frameon=False, fontsize=8)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_examples(
    options: argparse.Namespace, classifier: Classifier, photos: list[str], attack: str
) -> Figure:
    """Draw pictures, maps and insertion curves of natural and of attacked photos."""
    figure = Figure(figsize=(10, 2.6 * len(photos)), layout="constrained")
    grid = figure.subplots(len(photos), 5, squeeze=False, width_ratios=[1, 1, 1, 1, 1.5])
    kinds = {"natural": NATURAL, f"after {attack}": attack}
    samples = {
        kind: {s.id: s for s in load_data(spec_of(options, name), trust=options.trust)}
        for kind, name in kinds.items()
    }
    protocol = _curves.protocol_named("igos")
    for photo, axes in zip(photos, grid, strict=True):
        for number, kind in enumerate(kinds):
            image = samples[kind][photo].photo(classifier.channels)[None].to(classifier.device)
            study = Study.of(classifier, image, options.method, targets="top1")
            saliency = study.finish().saliency
            answer = int(study.score.targets[0])
            curve = _curves.curve(study.score, saliency, protocol, "insertion")
            show(axes[2 * number], to_pixels(image[0]))
            title = f"{kind}: {name_of(classifier.labels, answer)}"
            axes[2 * number].set_title(title, fontsize=8)
            show(axes[2 * number + 1], overlay(image[0], saliency[0]))
            axes[4].plot(curve.share.tolist(), curve.scores[0].tolist(), label=kind)
        axes[4].set_ylim(0, 1)
        axes[4].set_xlabel("share of the pixels shown", fontsize=8)
        axes[4].set_ylabel("probability of the answer", fontsize=8)
        axes[4].spines[["top", "right"]].set_visible(False)
    grid[0, 4].legend(frameon=False, fontsize=8)
    return figure


def report(options: argparse.Namespace, pairs: dict[str, Pairs], name: str) -> str:
    """Return the page."""
    lines = [
        "# Maps of adversarial examples",
        "",
        "Can a map tell that a photo was attacked? iGOS++ (Figure 4) shows four photos whose "
        "insertion curves rise only after almost all pixels are shown. Here this is counted.",
        "",
        "```bash",
        f"python benchmarks/adversarial.py --data {Path(options.data).name} --limit {options.limit} "
        f"--method {options.method} --classifier {options.classifier} --target {options.target} "
        f"--epsilon {options.epsilon} --attacks {' '.join(options.attacks)}",
        "```",
        "",
        f"{date.today()}. Random photos; target {name}; pixels change by at most "
        f"{options.epsilon} of 255 levels. Only photos whose attack succeeds. Means with 95 % "
        "intervals; differences are paired over photos.",
        "",
        "| attack | succeeds | lateness, natural | attacked | insertion, natural | attacked | "
        "difference | area under the ROC curve of lateness |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for attack, pair in pairs.items():
        natural, attacked = pair.natural, pair.attacked
        cells = [
            attack, f"{len(pair.photos)} of {pair.attempts}",
            *(str(mean(values[m].tolist())) for m in (LATENESS, INSERTION) for values in (natural, attacked)),
            str(mean((attacked[INSERTION] - natural[INSERTION]).tolist())), area_with_interval(pair),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "`lateness`: share of the pixels, those of the highest saliency first, that restores half of "
        "the probability. The area is .5 for a detector that knows nothing.",
        "",
        "![ROC curves and histograms of lateness](roc.png)",
        "",
        "![Photos, maps and insertion curves, natural and attacked](examples.png)",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Evaluate, compare, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("adversarial-runs"))
    parser.add_argument("--classifier", default="efficientnet_lite0")
    parser.add_argument("--method", default="igos_pp:path=3,steps=10")
    parser.add_argument("--attacks", nargs="+", default=["mi_fgsm", "pgd"])
    parser.add_argument("--target", default="283", help="Persian cat, as in the paper")
    parser.add_argument("--epsilon", type=int, default=8)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--trust", action="store_true")
    options = parser.parse_args()
    classifier = load(options.classifier, trust=options.trust)
    natural = rows_of(options, NATURAL)
    target = index_of(classifier.labels, options.target)
    pairs = {a: pairs_of(natural, rows_of(options, a), target) for a in options.attacks}
    options.out.mkdir(parents=True, exist_ok=True)
    first = options.attacks[0]
    if not pairs[first].photos:
        raise SystemExit(f"no {first} attack succeeds on {pairs[first].attempts} photos")
    save_figure(draw_roc(pairs), options.out / "roc.png", 110)
    examples = draw_examples(options, classifier, pairs[first].photos[:EXAMPLES], first)
    save_figure(examples, options.out / "examples.png", 110)
    text = report(options, pairs, name_of(classifier.labels, target))
    (options.out / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
