"""Small trainings of every network, which take seconds."""

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from unsee.cli import main
from unsee.training import casm, distilled, variational

ROOT = Path(__file__).parents[2]
TOY = "tests.toys:classifier"
CORNERS = "tests.toys:corner"
SMALL = {
    "classifier": TOY, "steps": 4, "batch": 4, "stored_size": 32, "workers": 0, "save_every": 2,
    "held_out": 2,
}  # fmt: skip
VARIATIONAL = {"side": 12, "length": 1.0, "rate": 1e-2}
NETWORKS = {
    "casm": (casm.CasmTraining, casm.CasmTask, {"width": 5, "strategy": "L100"}),
    "variational": (
        variational.VariationalTraining, variational.VariationalTask,
        {**VARIATIONAL, "widths": (6, 4)},
    ),
    "features": (
        variational.VariationalTraining, variational.VariationalTask,
        {**VARIATIONAL, "reads": "features", "width": 6, "spread": 2.0},
    ),
    "gradients": (
        variational.VariationalTraining, variational.VariationalTask,
        {**VARIATIONAL, "reads": "gradients", "width": 6},
    ),
    "heads": (
        variational.VariationalTraining, variational.VariationalTask,
        {**VARIATIONAL, "reads": "gradients", "width": 6, "heads": 3},
    ),
    "distilled": (
        distilled.DistilledTraining, distilled.DistilledTask,
        {"width": 6, "grid": 8, "infiller": "blur:sigma=3,kernel=9"},
    ),
}  # fmt: skip
"""Settings, task and small values for each mask network, and for variants of `variational`."""
FLAGS = {
    "casm": ["--width", "5"],
    "variational": ["--widths", "6", "4", "--side", "12", "--length", "1", "--rate", "1e-2"],
    "distilled": ["--width", "6", "--grid", "8"],
    "infiller": ["--size", "16", "--perceptual", "0", "--critic-from", "2", "--rate", "3e-5"],
}
"""The same as options of the command line."""
IN_PROCESSES = [
    "infiller",
    *(pytest.param(name, marks=pytest.mark.trust) for name in ("casm", "variational", "distilled")),
]  # fmt: skip
"""Networks of tests that start processes; three are in `make test-trust`: the trainer is shared."""


def config(network, folder, out, **settings):
    """Settings of a small training."""
    make, _, small = NETWORKS[network]
    return make(data=(str(folder),), out=out, **SMALL | small | settings)


def train(network, folder, out, **settings):
    """Train a small network and return the losses of all steps."""
    module = {"casm": casm, "distilled": distilled}.get(network, variational)
    return list(module.train(config(network, folder, out, **settings)))


def command(network, folder, *flags) -> list[str]:
    """Arguments of Python for a small training by the command line; the folder is missing."""
    classifier = [] if network == "infiller" else ["--classifier", TOY]
    return [
        "-m", "unsee", "train", network, "--data", str(folder), *classifier, "--batch", "4",
        "--stored-size", "32", "--workers", "0", "--held-out", "2", *FLAGS[network], *flags,
        "--out",
    ]  # fmt: skip


def run(command: list[str], out: Path) -> None:
    """Run a command of `command` in this process."""
    assert main([*command[2:], str(out)]) == 0


def environment(**variables) -> dict[str, str]:
    """Environment of another process that runs this package."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **variables}


def checkpoint_states(run):
    """The states in a run's checkpoint."""
    return torch.load(run / "checkpoint.pt", weights_only=True)["states"]


def weights(run) -> dict[str, torch.Tensor]:
    """The tensors in a run's weights file."""
    return load_file(next(run.glob("*.safetensors")))


def metadata(path) -> dict[str, str]:
    """The metadata of a weights file."""
    with safe_open(path, "pt") as file:
        return file.metadata()


def equal(some, others) -> bool:
    """Whether two sets of tensors are bitwise equal."""
    return some.keys() == others.keys() and all(torch.equal(some[k], others[k]) for k in some)
