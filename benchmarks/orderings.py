"""Do the orderings that the papers claim hold here? Paired over photos, with bootstrap intervals.

    python benchmarks/orderings.py run --photos FOLDER --variants tide igos_pp --out NAME
    python benchmarks/orderings.py run --plan budgets --count 50
    python benchmarks/orderings.py report --out NAME

`run` adds a row for each photo and variant to results/NAME.csv and skips those that are there: stop
it and go on at will. `report` writes results/NAME.md from it. A photo's class is what the classifier
says. Without a folder the photos are the first of the validation sample that it gets right.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import csv
import io
import json
import platform
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.measure import label

from unsee import Classifier, Study, create, load
from unsee.inputs import as_images
from unsee.masking import masks
from unsee.metrics import _curves
from unsee.recipes import recipe

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "shared" / "data" / "imagenet-val-sample.zip"
PROTOCOLS = ("rise", "igos-released")
MEASURED = [f"{p} {way}" for p in PROTOCOLS for way in ("deletion", "insertion")]
FIELDS = ["photo", "class", "variant", *MEASURED, "scatter", "forwards", "backwards", "seconds"]
TOP = 0.15
DRAWS = 20_000


def photos(
    classifier: Classifier, folder: Path | None, count: int
) -> Iterator[tuple[str, Image.Image]]:
    """Names and pictures."""
    if folder:
        for path in sorted(folder.iterdir())[:count]:
            yield path.stem, Image.open(path)
        return
    with zipfile.ZipFile(SAMPLE) as archive:
        for note in json.loads(archive.read("annotations.json")):
            picture = Image.open(io.BytesIO(archive.read(f"images/{note['file']}")))
            p = classifier.predict(as_images(picture, classifier)).softmax(1)[0]
            if p.argmax() == note["index"] and p.max() > 0.3:
                yield Path(note["file"]).stem.removeprefix("ILSVRC2012_"), picture
                count -= 1
            if not count:
                return


def study_of(classifier: Classifier, picture: Image.Image, variant: dict) -> Study:
    """What a variant asks about a photo."""
    known = recipe(variant["recipe"]) if "recipe" in variant else None
    method = create("methods", **{**(known.method if known else {}), **variant.get("method", {})})
    infiller = create("infillers", **known.infiller) if known else None
    return Study.of(
        classifier, picture, method, infiller=infiller, measure=known.measure if known else None,
        budget=variant.get("budget"),
    )  # fmt: skip


def rated(study: Study) -> dict[str, float]:
    """Areas under both protocols, regions of the top share, cost."""
    study.finish()
    saliency, found = study.explanation.saliency, {}
    for name in PROTOCOLS:
        protocol = _curves.PROTOCOLS[name]
        for way in ("deletion", "insertion"):
            area = protocol.area(_curves.curve(study.score, saliency, protocol, way))
            found[f"{name} {way}"] = round(area.item(), 5)
    top = masks.top_share(saliency, TOP)[0, 0, 0].numpy()
    found["scatter"] = int(label(top, connectivity=1, return_num=True)[1])
    return found | study.explanation.provenance["cost"]


def run(chosen: argparse.Namespace, plan: dict, table: Path) -> None:
    """Add what is missing."""
    classifier = load()
    old = read(table) if table.exists() else []
    done = {(row["photo"], row["variant"]) for row in old}
    with table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if not old:
            writer.writeheader()
        for name, picture in photos(classifier, chosen.photos, chosen.count):
            for variant in chosen.variants:
                if (name, variant) in done:
                    continue
                study = study_of(classifier, picture, plan["variants"][variant])
                row = {"photo": name, "variant": variant, **rated(study)}
                row["class"] = classifier.label(int(study.score.targets[0]))
                writer.writerow(row)
                file.flush()
                print(row, flush=True)


def read(table: Path) -> list[dict[str, str]]:
    """All rows."""
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values(rows: list[dict[str, str]], variant: str, on: str) -> dict[str, float]:
    """A number for each photo, turned so that higher is better."""
    return {row["photo"]: value(row, on) for row in rows if row["variant"] == variant}


def value(row: dict[str, str], on: str) -> float:
    """One number of a row: a column, or the mean over the protocols."""
    if on == "gain":
        return value(row, "insertion") + value(row, "deletion")
    columns = [on] if on in row else [f"{protocol} {on}" for protocol in PROTOCOLS]
    sign = 1 if on.endswith("insertion") else -1
    return sign * float(np.mean([float(row[column]) for column in columns]))


def interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval."""
    g = np.random.default_rng(0)
    means = differences[g.integers(0, len(differences), (DRAWS, len(differences)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return differences.mean(), low, high


def report(table: Path, plan: dict, command: str) -> str:
    """All means, then all claims that there are rows for."""
    rows = read(table)
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    lines = [
        f"# {plan.get('title', 'Orderings')}",
        "",
        f"`{command}`; EfficientNet-Lite0, torch {torch.__version__}, Python "
        f"{platform.python_version()}, CPU. Deletion and insertion: mean area under the two "
        f"protocols {' and '.join(PROTOCOLS)}. Scatter: regions of the top {TOP:.0%}. One seed.",
        "",
        "| variant | photos | " + " | ".join(MEASURED) + " | scatter | forwards + backwards |",
        "|" + "---|" * (len(MEASURED) + 4),
    ]
    for variant in variants:
        mine = [row for row in rows if row["variant"] == variant]
        means = [np.mean([float(row[name]) for row in mine]) for name in (*MEASURED, "scatter")]
        passes = [np.mean([int(row[name]) for row in mine]) for name in ("forwards", "backwards")]
        cells = [*(f"{m:.3f}" for m in means[:-1]), f"{means[-1]:.1f}"]
        lines.append(
            f"| {variant} | {len(mine)} | {' | '.join(cells)} | {passes[0]:.0f} + {passes[1]:.0f} |"
        )
    lines += [
        "",
        "Mean difference in favour of the claim (deletion and scatter: lower is better), its 95 % "
        f"bootstrap interval ({DRAWS} draws over photos), share of photos on which it holds.",
        "",
        "| claim | on | difference | interval | holds on | verdict | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for claim in plan["claims"]:
        for on in claim["on"] + (MEASURED if claim["better"].startswith("tide") else []):
            better, worse = (values(rows, claim[side], on) for side in ("better", "worse"))
            both = sorted(better.keys() & worse.keys())
            if not both:
                continue
            off = np.array([better[photo] - worse[photo] for photo in both])
            mean, low, high = interval(off)
            verdict = "holds" if low > 0 else "the opposite" if high < 0 else "undecided"
            lines.append(
                f"| {claim['better']} better than {claim['worse']} | {on} | {mean:+.3f} | "
                f"{low:+.3f} to {high:+.3f} | {np.sum(off > 0)} of {len(off)} | {verdict} | "
                f"{claim['source']} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run or report."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("job", choices=["run", "report"])
    arguments.add_argument("--photos", type=Path)
    arguments.add_argument("--count", type=int, default=20)
    arguments.add_argument("--plan", choices=["orderings", "budgets"], default="orderings")
    arguments.add_argument("--variants", nargs="*")
    arguments.add_argument("--out", help="name of the tables; by default the plan's")
    arguments.add_argument("--says", default="", help="the command that made it, for the report")
    chosen = arguments.parse_args()
    chosen.out = chosen.out or chosen.plan
    plan = tomllib.loads((HERE / f"{chosen.plan}.toml").read_text(encoding="utf-8"))
    chosen.variants = chosen.variants or list(plan["variants"])
    table = HERE / "results" / f"{chosen.out}.csv"
    if chosen.job == "run":
        run(chosen, plan, table)
    says = chosen.says or f"python benchmarks/orderings.py run --plan {chosen.plan}"
    text = report(table, plan, says)
    table.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
