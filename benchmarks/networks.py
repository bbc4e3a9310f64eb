"""Train small mask networks and evaluate their maps.

    python benchmarks/networks.py train --out FOLDER --data PART1.zip PART2.zip
    python benchmarks/networks.py evaluate --out FOLDER --data imagenet-val-sample.zip
    python benchmarks/networks.py uncertainty --out FOLDER --data imagenet-val-sample.zip
    python benchmarks/networks.py prior --out FOLDER --data imagenet-val-sample.zip

`train` runs the trainings of networks.toml one after another and resumes where it stopped.
`evaluate` makes the tables of networks.toml, with claims and intervals, in FOLDER/tables, for the
networks that are trained. `uncertainty` correlates the deviation of variational saliency with the
difference between two seeds, and measures the cost of one map. `prior` draws the areas over the
prior's weight and length-scale. `--only` selects trainings or tables.
"""

import argparse
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from unsee import create, explain, load
from unsee.cli.train import NETWORKS
from unsee.datasets._loading import load_data
from unsee.images.drawing import save_figure
from unsee.reports import bootstrap
from unsee.reports.results import Results

HERE = Path(__file__).parent
UNREADABLE_PHOTOS = 1
"""Exit status of `unsee evaluate` when some photos could not be read."""
TIMING_ROUNDS = 30


def unsee(*arguments: str, accepted: tuple[int, ...] = (0,)) -> None:
    """Run a command of `unsee`; exit unless its status is accepted."""
    done = subprocess.run([sys.executable, "-m", "unsee", *arguments], check=False)
    if done.returncode not in accepted:
        raise SystemExit(done.returncode)


def weights(out: Path, plan: dict[str, Any], name: str) -> Path:
    """Return the path of a training's weights."""
    return out / name / f"{plan['trainings'][name]['kind']}.safetensors"


def train(options: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Run all trainings that are not complete."""
    for name, settings in plan["trainings"].items():
        if options.only and name not in options.only:
            continue
        kind = settings["kind"]
        config = {**plan["common"], **plan[kind], **settings}
        del config["kind"]
        if (options.out / name / f"step-{config['steps']:06d}.png").exists():
            continue
        photos = ("--data", *map(str, options.data))
        unsee("train", kind, *photos, "--out", str(options.out / name), *flags(kind, config))


def flags(kind: str, config: dict[str, Any]) -> Iterator[str]:
    """Yield settings as options of `unsee train`; a switch that stays at its default has none."""
    defaults = NETWORKS[kind].settings
    for key, value in config.items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            if value != getattr(defaults, key):
                yield f"--{'' if value else 'no-'}{name}"
        else:
            yield from (f"--{name}", str(value))


def evaluate(options: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Evaluate every table, with those of its networks that are trained."""
    trained = {name: weights(options.out, plan, name) for name in plan["trainings"]}
    paths = {name: path for name, path in trained.items() if path.exists()}
    for name, table in plan["tables"].items():
        if options.only and name not in options.only:
            continue
        specs = {method: method_spec(method, paths, plan) for method in table["methods"]}
        methods = {method: spec for method, spec in specs.items() if spec is not None}
        folder = options.out / "tables" / name
        folder.mkdir(parents=True, exist_ok=True)
        plan_file = folder / "plan.toml"
        plan_file.write_text(as_toml(table, methods), encoding="utf-8")
        runs: dict[str, tuple[str, ...]] = {"all": ()}
        if table.get("split") and "half" in methods:
            runs |= {"seen": ("--classes", "0-499"), "unseen": ("--classes", "500-999")}
        for run, classes in runs.items():
            unsee(
                "evaluate", "--plan", str(plan_file), "--data", str(options.data[0]), *classes,
                "--out", str(folder / run),
                *(("--threads", str(options.threads)) if options.threads else ()),
                accepted=(0, UNREADABLE_PHOTOS),
            )  # fmt: skip
            unsee(
                "report", str(folder / run), "--plan", str(plan_file),
                "--out", str(folder / f"{run}-report"), "--overwrite",
            )  # fmt: skip


def method_spec(method: str, paths: dict[str, Path], plan: dict[str, Any]) -> str | None:
    """Return a method as `NAME[:setting=value,...]`; None if its network is not trained."""
    name, _, settings = method.partition(":")
    if name in plan["trainings"]:
        kind = plan["trainings"][name]["kind"]
        return f"{kind}:weights={paths[name]}" if name in paths else None
    if "warm_start=" in settings:
        start = settings.rpartition("=")[2]
        return method.replace(f"={start}", f"={paths[start]}") if start in paths else None
    return method


def as_toml(table: dict[str, Any], methods: dict[str, str]) -> str:
    """Return a plan for `unsee evaluate`, with names of methods and claims."""
    lines = ['summary = "Mask networks"']
    lines += [
        f"{key} = {quoted(table[key])}" for key in ("target", "limit", "subset") if key in table
    ]
    lines += [
        f"methods = {quoted(list(methods.values()))}",
        f"metrics = {quoted(table['metrics'])}",
    ]
    for name, method in methods.items():
        lines += ["[[names]]", f"method = {quoted(method)}", f"label = {quoted(name)}"]
    for claim in table["claims"]:
        if claim["better"] in methods and claim["worse"] in methods:
            names = {"better": methods[claim["better"]], "worse": methods[claim["worse"]]}
            full = {"metrics": table["metrics"][:2], **claim, **names}
            lines += ["[[claims]]", *(f"{key} = {quoted(value)}" for key, value in full.items())]
    return "\n".join(lines) + "\n"


def quoted(value: str | float | list[Any]) -> str:
    """Return a value as TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def uncertainty(options: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Print how the deviation correlates with the difference of seeds, and the cost of maps."""
    from scipy.stats import spearmanr

    classifier = load()
    first, second = (
        str(weights(options.out, plan, name)) for name in ("variational", "variational_again")
    )

    def map_of(image: torch.Tensor, path: str, reading: str) -> torch.Tensor:
        method = create("methods", "variational", weights=path, reading=reading)
        return explain(classifier, image, method).saliency[0].flatten()

    correlations = []
    for sample in load_data(str(options.data[0]))[: options.count]:
        image = classifier.framing.show(sample.photo(3))
        means = [standardised(map_of(image, path, "mean")) for path in (first, second)]
        deviations = [map_of(image, path, "deviation") for path in (first, second)]
        difference = (means[0] - means[1]).abs()
        correlations.append(float(spearmanr(difference, sum(deviations))[0]))
    print(
        "rank correlation of the deviation with the difference of seeds: "
        f"{bootstrap.mean(correlations)}, n {len(correlations)}"
    )
    for name in ("L100", "variational", "distilled"):
        path, kind = weights(options.out, plan, name), plan["trainings"][name]["kind"]
        if path.exists():
            method = create("methods", kind, weights=str(path))
            print(f"{kind}: {cost(classifier, image, method):.2f} forward passes")


def standardised(values: torch.Tensor) -> torch.Tensor:
    """Scale values to mean 0 and standard deviation 1."""
    return (values - values.mean()) / values.std().clamp(min=1e-9)


def cost(classifier: Any, image: torch.Tensor, method: Any) -> float:
    """Return the shortest time of a map divided by that of a prediction, measured in turns."""
    from unsee import Study

    score = Study.of(classifier, image, method, targets=0).score
    times: dict[str, list[float]] = {"prediction": [], "map": []}
    for _ in range(TIMING_ROUNDS):
        for name, work in (
            ("prediction", lambda: classifier.predict(image)),
            ("map", lambda: method.attribute(score)),
        ):
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return min(times["map"]) / min(times["prediction"])


def draw_prior(options: argparse.Namespace, plan: dict[str, Any]) -> None:
    """Draw both areas over the weight and over the length-scale of the prior, as prior.png."""
    from matplotlib.figure import Figure

    results = Results.read([options.out / "tables" / "prior" / "all"])
    means = {results.label(c): c for c in results.configurations}
    settings = {n: plan["variational"] | t for n, t in plan["trainings"].items() if n in means}
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    for row, metric in zip(
        figure.subplots(2, 2, sharey="row"), ("insertion", "deletion"), strict=True
    ):
        for axes, (key, prefix) in zip(
            row, (("prior", "weight"), ("length", "length")), strict=True
        ):
            names = [n for n in settings if n.startswith(prefix) or n == "weight_01"]
            points = sorted((settings[n][key], results.mean(means[n], metric)) for n in names)
            x = range(len(points))
            axes.fill_between(x, [p.low for _, p in points], [p.high for _, p in points], alpha=0.2)
            axes.plot(x, [p.value for _, p in points], "o-")
            axes.set_xticks(x, [f"{value:g}" for value, _ in points])
            axes.set_xlabel({"prior": "weight", "length": "length-scale in cells"}[key])
        row[0].set_ylabel(metric)
    save_figure(figure, options.out / "prior.png", 110)


COMMANDS = {
    "train": train, "evaluate": evaluate, "uncertainty": uncertainty, "prior": draw_prior,
}  # fmt: skip


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="photos or a data set")
    parser.add_argument("--only", nargs="*", help="names of trainings or tables in networks.toml")
    parser.add_argument("--count", type=int, default=50, help="photos for `uncertainty`")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: PyTorch's default")
    options = parser.parse_args()
    plan = tomllib.loads((HERE / "networks.toml").read_text(encoding="utf-8"))
    COMMANDS[options.command](options, plan)


if __name__ == "__main__":
    main()
