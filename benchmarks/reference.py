"""Our maps beside those that the papers' own code, Captum, lime, RISE and TorchRay made.

    python benchmarks/reference.py --out benchmarks/results/reference.md

Same classifier, photos and targets; every map, theirs too, is rated by our two protocols. "Same" is
the rank correlation with the reference's map of the same photo, "other" the highest with one of
another photo. Gain is insertion less deletion. Ours is the mean over the seeds, with its range.
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

SHARED = Path(__file__).parents[2] / "shared" / "reference"
RUNS = tomllib.loads(Path(__file__).with_name("reference.toml").read_text(encoding="utf-8"))
PROTOCOLS = ("rise", "igos-released")
HEAD = [
    "| reference | photo | rise, theirs | rise, ours | igos-released, theirs | igos-released, ours "
    "| gain, ours less theirs | our runs | same | other | passes, theirs | ours |",
    "|" + "---|" * 12,
]


def parts(run: dict) -> tuple:
    """Method, in-filler and measure: a recipe, with some settings changed."""
    known = recipe(run["recipe"])
    changed = run.get("method", {})
    before = {} if "name" in changed else known.method
    method = create("methods", **{**before, **changed})
    infiller = create("infillers", **run.get("infiller", known.infiller))
    return method, infiller, run.get("measure", known.measure)


def rate(study: Study, saliency: Tensor) -> np.ndarray:
    """Deletion and insertion of a map under both protocols."""
    numbers = []
    for name in PROTOCOLS:
        protocol = _curves.PROTOCOLS[name]
        for direction in ("deletion", "insertion"):
            points = _curves.curve(study.score, saliency, protocol, direction)
            numbers.append(protocol.area(points).item())
    return np.array(numbers)


def gains(numbers: np.ndarray) -> np.ndarray:
    """Insertion less deletion under each protocol."""
    return numbers[..., 1::2] - numbers[..., ::2]


def pair(numbers: np.ndarray) -> str:
    """Deletion / insertion."""
    return f"{numbers[0]:.3f} / {numbers[1]:.3f}"


def row(name: str, photo: str, image: Tensor, maps: dict, passes: dict, seeds: int) -> str:
    """One reference map and ours."""
    method, infiller, measure = parts(RUNS[name])
    ours, found = [], []
    classifier = load()
    for seed in range(seeds if RUNS[name].get("draws", True) else 1):
        study = Study.of(classifier, image, method, infiller=infiller, measure=measure, seed=seed)
        study.finish()
        found.append(study.explanation.saliency)
        ours.append(rate(study, found[-1]))
    cost = study.explanation.provenance["cost"]
    theirs = rate(study, maps[f"{name}/{photo}"])
    alike = {
        other: spearmanr(found[0].ravel(), maps[f"{name}/{other}"].ravel()).statistic
        for other in ("dalmatian", "chelsea", "kuvasz")
        if f"{name}/{other}" in maps
    }
    others = [value for other, value in alike.items() if other != photo]
    mean = np.mean(ours, 0)
    more = gains(np.stack(ours)) - gains(theirs)
    spread = [
        f"{column.mean():+.3f} ({column.min():+.3f} to {column.max():+.3f})" for column in more.T
    ]
    return " | ".join([
        f"| {name}", photo, pair(theirs[:2]), pair(mean[:2]), pair(theirs[2:]), pair(mean[2:]),
        "; ".join(spread), str(len(ours)), f"{alike[photo]:.2f}", f"{max(others):.2f}" if others else "-",
        f"{passes['fwd_samples']} + {passes['bwd_samples']}",
        f"{cost['forwards']} + {cost['backwards']} |",
    ])  # fmt: skip


def main() -> None:
    """Print the table as it grows, and write it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=list(RUNS))
    chosen = arguments.parse_args()
    inputs, stored = np.load(SHARED / "inputs.npz"), np.load(SHARED / "maps.npz")
    maps = {key: torch.from_numpy(stored[key].astype(np.float32))[None] for key in stored}
    scores = json.loads((SHARED / "scores.json").read_text())
    lines = [
        "# Beside the reference maps",
        "",
        "`python benchmarks/reference.py --out benchmarks/results/reference.md`, "
        f"torch {torch.__version__}, Python {platform.python_version()}, CPU",
        "",
        *(__doc__ or "").split("\n\n")[2].splitlines(),
        "Passes are forwards + backwards. Numbers of a protocol are deletion / insertion.",
        "",
        *HEAD,
    ]
    done = []
    if (
        chosen.out and chosen.out.exists()
    ):  # rows that are there are kept; delete what is to be redone
        text = chosen.out.read_text(encoding="utf-8").splitlines()
        done = [
            line for line in text if line.startswith("| ") and line.split(" | ")[1:2] != ["photo"]
        ]
        lines += done
    for key in maps:
        name, photo = key.split("/")
        if name in chosen.only and not any(
            line.startswith(f"| {name} | {photo} |") for line in done
        ):
            image = torch.from_numpy(inputs[photo]).permute(2, 0, 1)[None].float() / 255
            lines.append(row(name, photo, image, maps, scores[key]["passes"], chosen.seeds))
            print(lines[-1], flush=True)
            write(lines, chosen.out)
    write(lines, chosen.out)


def write(lines: list[str], out: Path | None) -> None:
    """The rows so far, and what is behind the exceptions."""
    notes = [f"- {name}: {run['note']}." for name, run in RUNS.items() if "note" in run]
    if out:
        text = "\n".join([*lines, "", "Exceptions and what is behind them:", "", *notes]) + "\n"
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
