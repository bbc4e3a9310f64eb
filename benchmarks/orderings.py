"""Test claims of papers that one variant of a method is better than another one.

    python benchmarks/orderings.py run --photos FOLDER --variants tide igos_pp --out NAME
    python benchmarks/orderings.py run --plan passes --count 8
    python benchmarks/orderings.py report --out NAME

`run` adds one row per photo and variant to results/NAME.csv and skips rows that exist, so that it
can be interrupted and continued. `report` writes results/NAME.md: means, and for each claim the
difference paired over photos with its bootstrap interval. The explained class is the predicted
one. Without a folder, the photos are the first ones of the validation sample that the classifier
recognises.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import csv
import platform
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sample import recognised_photos
from skimage.measure import label

from unsee import Classifier, Study, create, load
from unsee.masking import masks
from unsee.metrics import _curves
from unsee.recipes import recipe

HERE = Path(__file__).parent
PROTOCOLS = ("rise", "igos-released")
AREAS = [f"{p} {direction}" for p in PROTOCOLS for direction in ("deletion", "insertion")]
COLUMNS = ["photo", "class", "variant", *AREAS, "scatter", "forwards", "backwards", "seconds"]
TOP_SHARE = 0.15
"""Share of the pixels whose connected regions are counted as scatter."""
BOOTSTRAP_DRAWS = 20_000
LEAST_PROBABILITY = 0.3
"""Smallest probability of the label with which a photo of the sample counts as recognised."""


def photos(
    classifier: Classifier, folder: Path | None, count: int
) -> Iterator[tuple[str, Image.Image]]:
    """Yield names and photos of a folder, or of the validation sample."""
    if folder:
        for path in sorted(folder.iterdir())[:count]:
            yield path.stem, Image.open(path)
    else:
        yield from islice(recognised_photos(classifier, LEAST_PROBABILITY), count)


def make_study(classifier: Classifier, photo: Image.Image, variant: dict) -> Study:
    """Return the study of a variant: a recipe with changed settings, or a method."""
    base = recipe(variant["recipe"]) if "recipe" in variant else None
    method = create("methods", **{**(base.method if base else {}), **variant.get("method", {})})
    infiller = create("infillers", **base.infiller) if base else None
    return Study.of(
        classifier, photo, method, infiller=infiller, measure=base.measure if base else None,
        budget=variant.get("budget"),
    )  # fmt: skip


def measure(study: Study) -> dict[str, float]:
    """Run a study and return the areas of both protocols, the scatter and the cost."""
    study.finish()
    saliency, values = study.explanation.saliency, {}
    for name in PROTOCOLS:
        protocol = _curves.PROTOCOLS[name]
        for direction in ("deletion", "insertion"):
            area = protocol.area(_curves.curve(study.score, saliency, protocol, direction))
            values[f"{name} {direction}"] = round(area.item(), 5)
    top = masks.top_share(saliency, TOP_SHARE)[0, 0, 0].numpy()
    values["scatter"] = int(label(top, connectivity=1, return_num=True)[1])
    return values | study.explanation.provenance["cost"]


def run(options: argparse.Namespace, plan: dict, table: Path) -> None:
    """Add the missing rows to the table."""
    classifier = load()
    rows = read(table) if table.exists() else []
    finished = {(row["photo"], row["variant"]) for row in rows}
    with table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not rows:
            writer.writeheader()
        for name, photo in photos(classifier, options.photos, options.count):
            for variant in options.variants:
                if (name, variant) in finished:
                    continue
                study = make_study(classifier, photo, plan["variants"][variant])
                row = {"photo": name, "variant": variant, **measure(study)}
                row["class"] = classifier.label(int(study.score.targets[0]))
                writer.writerow(row)
                file.flush()
                print(row, flush=True)


def read(table: Path) -> list[dict[str, str]]:
    """Read all rows of a table."""
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values(rows: list[dict[str, str]], variant: str, metric: str) -> dict[str, float]:
    """Return a variant's value of a metric for each photo, signed so that higher is better."""
    return {row["photo"]: value(row, metric) for row in rows if row["variant"] == variant}


def value(row: dict[str, str], metric: str) -> float:
    """Return a column, the mean over both protocols, or "gain": insertion minus deletion."""
    if metric == "gain":
        return value(row, "insertion") + value(row, "deletion")
    columns = [metric] if metric in row else [f"{protocol} {metric}" for protocol in PROTOCOLS]
    sign = 1 if metric.endswith("insertion") else -1
    return sign * float(np.mean([float(row[column]) for column in columns]))


def interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Return the mean and its 95 % percentile bootstrap interval."""
    generator = np.random.default_rng(0)
    draws = generator.integers(0, len(differences), (BOOTSTRAP_DRAWS, len(differences)))
    low, high = np.quantile(differences[draws].mean(1), [0.025, 0.975])
    return differences.mean(), low, high


def mean_rows(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the means of each variant as rows of a Markdown table."""
    for variant in dict.fromkeys(row["variant"] for row in rows):
        selected = [row for row in rows if row["variant"] == variant]
        means = {
            name: np.mean([float(row[name]) for row in selected])
            for name in (*AREAS, "scatter", "forwards", "backwards")
        }
        cells = [f"{means[name]:.3f}" for name in AREAS]
        yield (
            f"| {variant} | {len(selected)} | {' | '.join(cells)} | {means['scatter']:.1f} | "
            f"{means['forwards']:.0f} + {means['backwards']:.0f} |"
        )


def claim_rows(rows: list[dict[str, str]], claims: list[dict]) -> Iterator[str]:
    """Yield the claims that there are photos for as rows of a Markdown table."""
    for claim in claims:
        areas = AREAS if claim["better"].startswith("tide") else []
        papers = dict(zip(claim["metrics"], claim.get("paper", []), strict=False))
        for metric in claim["metrics"] + areas:
            better, worse = (values(rows, claim[side], metric) for side in ("better", "worse"))
            common = sorted(better.keys() & worse.keys())
            if not common:
                continue
            differences = np.array([better[photo] - worse[photo] for photo in common])
            mean, low, high = interval(differences)
            verdict = "holds" if low > 0 else "does not hold" if high < 0 else "not significant"
            paper = "{:g}, {:g}".format(*papers[metric]) if metric in papers else ""
            yield (
                f"| {claim['better']} better than {claim['worse']} | {metric} | {mean:+.3f} | "
                f"{low:+.3f} to {high:+.3f} | {np.sum(differences > 0)} of {len(differences)} | "
                f"{verdict} | {paper} | {claim['source']} |"
            )


def report(table: Path, plan: dict, command: str) -> str:
    """Return the report of a table."""
    rows = read(table)
    lines = [
        f"# {plan['title']}",
        "",
        f"`{command}`; EfficientNet-Lite0, torch {torch.__version__}, Python "
        f"{platform.python_version()}, CPU. One seed.",
        "",
        "Deletion (lower is better) and insertion (higher is better) are the mean areas under the "
        f"curves of the two protocols {' and '.join(PROTOCOLS)}. Scatter is the number of "
        f"connected regions of the top {TOP_SHARE:.0%}.",
        "",
        "| variant | photos | " + " | ".join(AREAS) + " | scatter | forwards + backwards |",
        "|" + "---|" * (len(AREAS) + 4),
        *mean_rows(rows),
    ]
    if not plan["claims"]:
        return "\n".join(lines) + "\n"
    lines += [
        "",
        "The differences below are means over photos, paired, and positive where the claim holds; "
        f"the interval is the 95 % bootstrap interval ({BOOTSTRAP_DRAWS} draws over photos). Gain "
        "is insertion minus deletion.",
        "",
        "| claim | metric | difference | interval | photos where it holds | verdict | paper | source |",
        "|---|---|---|---|---|---|---|---|",
        *claim_rows(rows, plan["claims"]),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the variants, or write the report only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=["run", "report"])
    parser.add_argument("--photos", type=Path, help="folder; default: the validation sample")
    parser.add_argument("--count", type=int, default=20, help="number of photos")
    parser.add_argument("--plan", choices=["orderings", "passes"], default="orderings")
    parser.add_argument("--variants", nargs="*", help="default: all of the plan")
    parser.add_argument("--out", help="name of the tables; default: the name of the plan")
    parser.add_argument("--command", help="command that the report states")
    options = parser.parse_args()
    options.out = options.out or options.plan
    plan = tomllib.loads((HERE / f"{options.plan}.toml").read_text(encoding="utf-8"))
    options.variants = options.variants or list(plan["variants"])
    table = HERE / "results" / f"{options.out}.csv"
    if options.job == "run":
        run(options, plan, table)
    command = options.command or f"python benchmarks/orderings.py run --plan {options.plan}"
    text = report(table, plan, command)
    table.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
