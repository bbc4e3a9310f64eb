"""`unsee train`: train one of the networks that the methods and in-fillers use."""

import os
import sys
from typing import Any

from unsee.cli import explain_options
from unsee.cli.parsing import parse
from unsee.errors import InputError, unknown

KINDS = ("infiller", "casm", "variational", "distilled")


def run(arguments: list[str]) -> int:
    """Train; a run whose folder exists goes on where it stopped."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(f"usage: unsee train {'|'.join(KINDS)} [OPTIONS]\n")
        return 0
    name, *rest = arguments
    if name not in KINDS:
        raise unknown("training", name, KINDS)
    settings, train = _training(name)
    chosen = parse(settings, rest, f"unsee train {name}")
    losses: dict[str, float] = {}
    first = os.environ.get("RANK", "0") == "0"  # of the processes that a launcher started
    try:
        with explain_options.progress() as bars:
            bar = bars.add_task(name, total=chosen.steps, loss="", visible=first)
            for losses in train(chosen):
                words = "  ".join(f"{k} {v:.3f}" for k, v in losses.items() if k != "step")
                bars.update(bar, completed=int(losses["step"]), loss=words)
    except ModuleNotFoundError as error:
        raise InputError(
            f"training needs {error.name}: python -m pip install accelerate tensorboard"
        ) from error
    step = int(losses.get("step", chosen.steps))
    if first:
        sys.stdout.write(f"step {step} of {chosen.steps}; weights and checkpoint: {chosen.out}\n")
    return 0


def _training(name: str) -> tuple[type[Any], Any]:
    """Settings and loop of a training."""
    from unsee.training import casm, distilled, infiller, variational

    return {
        "infiller": (infiller.InfillerTraining, infiller.train),
        "casm": (casm.CasmTraining, casm.train),
        "variational": (variational.VariationalTraining, variational.train),
        "distilled": (distilled.DistilledTraining, distilled.train),
    }[name]
