"""Small trainings of mask networks, side by side, and what their maps are worth.

    python benchmarks/networks.py train --out FOLDER --data PART1.zip PART2.zip
    python benchmarks/networks.py rate --out FOLDER --data ../shared/data/imagenet-val-sample.zip
    python benchmarks/networks.py doubt --out FOLDER --data ../shared/data/imagenet-val-sample.zip

`train` goes on where it stopped, with one training after another; `--only` takes some. `rate` makes
the tables of networks.toml for every network that is there, with the claims and their intervals,
in FOLDER/rated. `doubt` asks whether variational saliency is unsure where another seed draws another
map, and what one pass costs beside the classifier's.
"""

import argparse
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import torch

from unsee import create, explain, load
from unsee.datasets._loading import load_data
from unsee.reports import bootstrap

HERE = Path(__file__).parent


def unsee(*arguments: str, bad: int = 0) -> None:
    """The command line; `bad` is the status that a bad photo leaves."""
    done = subprocess.run([sys.executable, "-m", "unsee", *arguments], check=False)
    if done.returncode not in {0, bad}:
        raise SystemExit(done.returncode)


def weights(out: Path, plan: dict[str, Any], name: str) -> Path:
    """Where a training leaves them."""
    return out / name / f"{plan['trainings'][name]['kind']}.safetensors"


def train(chosen: argparse.Namespace, plan: dict[str, Any]) -> None:
    """All that is not over."""
    for name, settings in plan["trainings"].items():
        if chosen.only and name not in chosen.only:
            continue
        kind = settings["kind"]
        asked = {**plan["common"], **plan[kind], **settings}
        if (chosen.out / name / f"step-{asked['steps']:06d}.png").exists():
            continue
        del asked["kind"]
        flags = [
            part
            for key, value in asked.items()
            for part in (
                [f"--{'' if value else 'no-'}{key}"]
                if isinstance(value, bool)
                else [f"--{key.replace('_', '-')}", str(value)]
            )
        ]
        photos = ("--data", *map(str, chosen.data))
        unsee("train", kind, *photos, "--out", str(chosen.out / name), *flags)


def rate(chosen: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Every table whose networks are there, with what is there."""
    paths = {
        name: weights(chosen.out, plan, name)
        for name in plan["trainings"]
        if weights(chosen.out, plan, name).exists()
    }
    for name, table in plan["rated"].items():
        if chosen.only and name not in chosen.only:
            continue
        known = {
            method: full for method in table["methods"] if (full := spelled(method, paths, plan))
        }
        folder = chosen.out / "rated" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.toml").write_text(as_toml(table, known), encoding="utf-8")
        splits = {"all": ""}
        if table.get("split") and "half" in known:
            splits |= {"seen": "0-499", "unseen": "500-999"}
        for run, classes in splits.items():
            limited = ("--classes", classes) if classes else ()
            unsee(
                "evaluate", "--plan", str(folder / "plan.toml"), "--data", str(chosen.data[0]),
                *limited, "--out", str(folder / run), "--threads", str(chosen.threads), bad=1,
            )  # fmt: skip
            unsee(
                "report", str(folder / run), "--plan", str(folder / "plan.toml"),
                "--out", str(folder / f"{run}-report"), "--overwrite",
            )  # fmt: skip


def spelled(method: str, paths: dict[str, Path], plan: dict[str, Any]) -> str:
    """A method as `unsee evaluate` takes it; empty where its network is not there."""
    name, _, rest = method.partition(":")
    if name in plan["trainings"]:
        kind = plan["trainings"][name]["kind"]
        return f"{kind}:weights={paths[name]}" if name in paths else ""
    if "warm_start=" in rest:
        begun = rest.rpartition("=")[2]
        return method.replace(f"={begun}", f"={paths[begun]}") if begun in paths else ""
    return method


def as_toml(table: dict[str, Any], known: dict[str, str]) -> str:
    """A plan for `unsee evaluate`, with names and claims."""
    lines = [
        'summary = "Mask networks"', f"target = {quoted(table.get('target', 'label'))}",
        f"limit = {table.get('limit', 0)}",
        f"methods = {quoted(list(known.values()))}", f"metrics = {quoted(table['metrics'])}",
    ]  # fmt: skip
    for name, method in known.items():
        lines += ["[[names]]", f"method = {quoted(method)}", f"label = {quoted(name)}"]
    for claim in table["claims"]:
        if claim["better"] not in known or claim["worse"] not in known:
            continue
        told = {**claim, "better": known[claim["better"]], "worse": known[claim["worse"]]}
        told.setdefault("metrics", table["metrics"][:2])
        lines += ["[[claims]]", *(f"{key} = {quoted(value)}" for key, value in told.items())]
    return "\n".join(lines) + "\n"


def quoted(value: str | list[str]) -> str:
    """As TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return f'"{value}"'


def doubt(chosen: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Rank correlation, on each photo, of the deviation with the difference of two seeds' means."""
    from scipy.stats import spearmanr

    classifier, found = load(), []
    one, other = (str(weights(chosen.out, plan, f"variational{end}")) for end in ("", "_again"))
    samples = load_data(str(chosen.data[0]))[: chosen.count]
    asked = [(one, "mean"), (other, "mean"), (one, "deviation"), (other, "deviation")]
    for sample in samples:
        image = classifier.framing.show(sample.photo(3))
        first, second, *unsure = (
            explain(
                classifier, image, create("methods", "variational", weights=path, reading=reading)
            )
            .saliency[0]
            .flatten()
            for path, reading in asked
        )
        apart = (scaled(first) - scaled(second)).abs()
        found.append(float(spearmanr(apart, sum(unsure))[0]))
    print(
        f"deviation and difference of seeds, rank correlation: {bootstrap.mean(found)}, n {len(found)}"
    )
    for name, kind in (
        ("L100", "casm"),
        ("variational", "variational"),
        ("distilled", "distilled"),
    ):
        if weights(chosen.out, plan, name).exists():
            method = create("methods", kind, weights=str(weights(chosen.out, plan, name)))
            print(f"{kind}: {cost(classifier, image, method):.2f} of the classifier's pass")


def scaled(values: torch.Tensor) -> torch.Tensor:
    """Mean 0, deviation 1: what counts is where, not how much."""
    return (values - values.mean()) / values.std().clamp(min=1e-9)


def cost(classifier: Any, image: torch.Tensor, method: Any, rounds: int = 30) -> float:
    """Least time of a map over the least of a prediction, taken in turns."""
    from unsee import Study

    score = Study.of(classifier, image, method, targets=0).score
    times: dict[str, list[float]] = {"pass": [], "map": []}
    for _ in range(rounds):
        for name, work in (
            ("pass", lambda: classifier.predict(image)),
            ("map", lambda: method.attribute(score)),
        ):
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return min(times["map"]) / min(times["pass"])


def main() -> None:
    """Train, rate or doubt."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=("train", "rate", "doubt"))
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--data", type=Path, nargs="+", required=True)
    arguments.add_argument("--only", nargs="*")
    arguments.add_argument("--count", type=int, default=50)
    arguments.add_argument("--threads", type=int, default=0)
    chosen = arguments.parse_args()
    plan = tomllib.loads((HERE / "networks.toml").read_text(encoding="utf-8"))
    {"train": train, "rate": rate, "doubt": doubt}[chosen.what](chosen, plan)


if __name__ == "__main__":
    main()
