"""`unsee train`: train one of the networks that methods and in-fillers use."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar

from unsee.cli import checks
from unsee.cli.console import print_note, say
from unsee.cli.cost import Forecast
from unsee.cli.interruption import deferred
from unsee.cli.parsing import parse
from unsee.errors import InputError, missing_package, unknown
from unsee.output.bars import terminal_bars
from unsee.registry import resolve
from unsee.storage.files import check_file, exists
from unsee.training import casm, distilled, infiller, run_folder, vae, variational
from unsee.training.mask_task import MaskTraining, load_module
from unsee.training.task import Training
from unsee.training.trainer import Stopped

POSITIVE = {
    "steps", "batch", "stored_size", "size", "save_every", "minutes", "width", "heads", "levels",
    "grid", "side", "rate", "latent", "mask_rate", "critic_rate", "snapshot_every",
}  # fmt: skip
"""Settings that must be above 0; other numbers may be 0."""
Settings = TypeVar("Settings", bound=Training)
Losses = Generator[dict[str, float], None, None]


@dataclass(frozen=True)
class Network(Generic[Settings]):
    """A network that can be trained."""

    settings: type[Settings]
    """Options of the command."""
    train: Callable[[Settings], Losses]
    """The training, which yields the losses of each step."""
    summary: str
    """Purpose of the network, in a few words."""
    needs: str
    """Requirements of the training."""

    def start(self, name: str, arguments: list[str]) -> tuple[Training, Losses]:
        """Parse the options of the command and return them with the training."""
        config = parse(self.settings, arguments, f"unsee train {name}")
        return config, self.train(config)


FEATURE_MAPS = "photos; a classifier that is a PyTorch CNN"
NETWORKS: dict[
    str,
    Network[casm.CasmTraining]
    | Network[variational.VariationalTraining]
    | Network[distilled.DistilledTraining]
    | Network[infiller.InfillerTraining]
    | Network[vae.VAETraining],
] = {
    "casm": Network(
        casm.CasmTraining, casm.train,
        "mask of all that a classifier can recognise (method casm)", FEATURE_MAPS,
    ),
    "variational": Network(
        variational.VariationalTraining, variational.train,
        "Gaussian over maps, with uncertainty (method variational)",
        "photos; a classifier that is a PyTorch module, a CNN for --reads features or gradients",
    ),
    "distilled": Network(
        distilled.DistilledTraining, distilled.train,
        "map of tide for a class, in one pass (method distilled)", FEATURE_MAPS,
    ),
    "infiller": Network(
        infiller.InfillerTraining, infiller.train,
        "fills removed regions (in-fillers painter, painter_small)",
        "photos; weights of a perceptual loss (--trunk), unless --perceptual 0",
    ),
    "vae": Network(
        vae.VAETraining, vae.train,
        "autoencoder that fills removed regions, as in FIDO (in-filler vae)", "photos",
    ),
}  # fmt: skip


def run(arguments: list[str]) -> int:
    """Train a network; resume the run if its folder exists."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        say(_help())
        return 0
    name, *options = arguments
    if name not in NETWORKS:
        raise unknown("training", name, NETWORKS)
    config, training = NETWORKS[name].start(name, options)
    check(config)
    is_main_process = os.environ.get("RANK", "0") == "0"  # RANK is set by distributed launchers
    try:
        step = _follow(name, config, training, is_main_process)
    except Stopped as error:
        print_note(f"checkpoint of step {error.step} saved; the same command continues from it")
        raise
    except ModuleNotFoundError as error:
        raise missing_package(error.name or "accelerate", "training") from error
    if is_main_process:
        say(
            f"step {step} of {config.steps}; weights and checkpoint: {config.out}\n",
            step=step, steps=config.steps, results=[config.out],
        )  # fmt: skip
    return 0


def check(config: Training) -> None:
    """Check what can be checked before the folder of the run is made."""
    _check_values(config)
    for source in config.data:
        if ":" not in source and not exists(source):
            raise InputError(f"{source}: no such file or folder")
    if not config.data:
        raise InputError("expected --data: folders or zip files of photos")
    if isinstance(config, infiller.InfillerTraining):
        config.check_sizes()
    if isinstance(config, MaskTraining):
        load_module(config.classifier).require_network("training")
    if (spec := getattr(config, "infiller", None)) is not None:
        resolve("infillers", spec)
    checks.writable(config.out)


def _check_values(config: Training) -> None:
    """Check the numbers and the files of a training."""
    for field in fields(config):
        value = getattr(config, field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if field.name in POSITIVE:
                checks.positive(**{field.name: value})
            else:
                checks.at_least(0, **{field.name: value})
        elif isinstance(value, Path) and field.name != "out":
            check_file(value)
    checks.seed(config.seed)


def _follow(name: str, config: Training, training: Losses, visible: bool) -> int:
    """Show the losses in a progress bar until the training ends; return its last step.

    From the first step on, Ctrl-C waits for the end of a step, after which a checkpoint is saved.
    The processes of a distributed training end without, since they may be at different steps.
    """
    step, interrupted = config.steps, None
    forecast = Forecast(f"{config.steps} steps of the training of {name}")
    with ExitStack() as waiting, terminal_bars() as bars:
        bar = bars.add_task(name, total=config.steps, loss="", visible=visible)
        for losses in training:
            if interrupted is None and not run_folder.is_distributed():
                interrupted = waiting.enter_context(deferred())
            step = int(losses.pop("step"))
            text = "  ".join(f"{key} {value:.3f}" for key, value in losses.items())
            bars.update(bar, completed=step, loss=text)
            if visible:
                forecast.step(step, config.steps)
            if interrupted is not None and interrupted():
                training.throw(KeyboardInterrupt())
    return step


def _help() -> str:
    width = max(map(len, NETWORKS))
    lines = [
        f"  {name:<{width}}  {network.summary}\n  {'':<{width}}  needs: {network.needs}\n"
        for name, network in NETWORKS.items()
    ]
    return (
        f"usage: unsee train {'|'.join(NETWORKS)} --data PHOTOS [OPTIONS]\n\n"
        "Train a network. An interrupted run resumes from its folder (--out).\n\n"
        f"{''.join(lines)}\n"
        "unsee train NETWORK --help lists the options. Trainings need Accelerate:\n"
        "python -m pip install accelerate tensorboard\n"
    )
