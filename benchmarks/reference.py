"""Compare maps with those of the reference implementations.

    python benchmarks/reference.py --out benchmarks/results/reference.md

The reference maps were made by the papers' own code, Captum, lime, RISE and TorchRay, for the same
classifier, photos and targets. Both maps are evaluated by deletion and insertion under two
protocols. "Same" is the rank correlation of the two maps of a photo; "other" is the highest rank
correlation with the reference map of another photo. Gain is insertion minus deletion. The values
of unsee are means over seeds, with their range.
"""

from unsee.classifiers.allocator import keep_memory

keep_memory()

import argparse
import json
import platform
import tomllib
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from unsee import Study, load
from unsee.metrics import _curves
from unsee.recipes import recipe
from unsee.registry import create

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
RUNS = tomllib.loads(Path(__file__).with_name("reference.toml").read_text(encoding="utf-8"))
PROTOCOLS = ("rise", "igos-released")
PHOTOS = ("dalmatian", "chelsea", "kuvasz")
HEADER = [
    "| reference | photo | rise, reference | rise, unsee | igos-released, reference | "
    "igos-released, unsee | gain, unsee minus reference | runs of unsee | same | other | "
    "passes, reference | passes, unsee |",
    "|" + "---|" * 12,
]


def parts(run: dict) -> tuple:
    """Return method, in-filler and measure of a recipe with changed settings."""
    published = recipe(run["recipe"])
    changed = run.get("method", {})
    settings = {} if "name" in changed else published.method
    method = create("methods", **{**settings, **changed})
    infiller = create("infillers", **run.get("infiller", published.infiller))
    return method, infiller, run.get("measure", published.measure)


def evaluate(study: Study, saliency: Tensor) -> np.ndarray:
    """Return deletion and insertion of a map under both protocols."""
    values = []
    for name in PROTOCOLS:
        protocol = _curves.PROTOCOLS[name]
        for direction in ("deletion", "insertion"):
            points = _curves.curve(study.score, saliency, protocol, direction)
            values.append(protocol.area(points).item())
    return np.array(values)


def gains(values: np.ndarray) -> np.ndarray:
    """Return insertion minus deletion under each protocol."""
    return values[..., 1::2] - values[..., ::2]


def pair(values: np.ndarray) -> str:
    """Format deletion and insertion."""
    return f"{values[0]:.3f} / {values[1]:.3f}"


def row(name: str, photo: str, image: Tensor, maps: dict, passes: dict, seeds: int) -> str:
    """Make the maps of unsee and return the comparison with one reference map."""
    method, infiller, measure = parts(RUNS[name])
    values, saliency = [], []
    classifier = load()
    for seed in range(seeds if RUNS[name].get("random", True) else 1):
        study = Study.of(classifier, image, method, infiller=infiller, measure=measure, seed=seed)
        study.finish()
        saliency.append(study.explanation.saliency)
        values.append(evaluate(study, saliency[-1]))
    cost = study.explanation.provenance["cost"]
    reference = evaluate(study, maps[f"{name}/{photo}"])
    correlations = {
        other: spearmanr(saliency[0].ravel(), maps[f"{name}/{other}"].ravel()).statistic
        for other in PHOTOS
        if f"{name}/{other}" in maps
    }
    others = [value for other, value in correlations.items() if other != photo]
    mean = np.mean(values, 0)
    differences = gains(np.stack(values)) - gains(reference)
    ranges = [
        f"{column.mean():+.3f} ({column.min():+.3f} to {column.max():+.3f})"
        for column in differences.T
    ]
    return " | ".join([
        f"| {name}", photo, pair(reference[:2]), pair(mean[:2]), pair(reference[2:]),
        pair(mean[2:]), "; ".join(ranges), str(len(values)), f"{correlations[photo]:.2f}",
        f"{max(others):.2f}" if others else "-",
        f"{passes['fwd_samples']} + {passes['bwd_samples']}",
        f"{cost['forwards']} + {cost['backwards']} |",
    ])  # fmt: skip


def existing_rows(out: Path | None) -> list[str]:
    """Return the rows of an earlier report; delete those there that are to be measured again."""
    if not out or not out.exists():
        return []
    lines = out.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and line.split(" | ")[1:2] != ["photo"]]


def write(lines: list[str], out: Path | None) -> None:
    """Write the rows so far, and the notes on exceptions."""
    notes = [f"- {name}: {run['note']}." for name, run in RUNS.items() if "note" in run]
    if out:
        text = "\n".join([*lines, "", "Exceptions and their reasons:", "", *notes]) + "\n"
        out.write_text(text, encoding="utf-8")


def main() -> None:
    """Print the table row by row, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(RUNS), choices=list(RUNS))
    options = parser.parse_args()
    inputs, stored = np.load(REFERENCE / "inputs.npz"), np.load(REFERENCE / "maps.npz")
    maps = {key: torch.from_numpy(stored[key].astype(np.float32))[None] for key in stored}
    scores = json.loads((REFERENCE / "scores.json").read_text())
    rows = existing_rows(options.out)
    lines = [
        "# Agreement with the reference implementations",
        "",
        "`python benchmarks/reference.py --out benchmarks/results/reference.md`, "
        f"torch {torch.__version__}, Python {platform.python_version()}, CPU",
        "",
        *(__doc__ or "").strip().split("\n\n")[2].splitlines(),
        "Passes are forwards + backwards. The two values of a protocol are deletion / insertion.",
        "",
        *HEADER,
        *rows,
    ]
    for key in maps:
        name, photo = key.split("/")
        finished = any(line.startswith(f"| {name} | {photo} |") for line in rows)
        if name in options.only and not finished:
            image = torch.from_numpy(inputs[photo]).permute(2, 0, 1)[None].float() / 255
            passes = scores[key]["passes"]
            lines.append(row(name, photo, image, maps, passes, options.seeds))
            print(lines[-1], flush=True)
            write(lines, options.out)
    write(lines, options.out)


if __name__ == "__main__":
    main()
