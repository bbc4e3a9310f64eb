"""The folder of a training: whose it is, and which run it holds."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from unsee.errors import InputError, as_input_error
from unsee.images._results import is_mark
from unsee.networks.weights import load_trained
from unsee.parts import digest_of, files_of
from unsee.registry import resolve
from unsee.storage.files import check_file, exists, is_folder, read_json
from unsee.storage.folders import check_name, create_file, json_bytes, place_of, write_errors
from unsee.storage.locks import Sharing
from unsee.storage.workplace import is_workplace, remove_leavings
from unsee.training.task import Training, TrainingTask

CHECKPOINT = "checkpoint.pt"
"""File name of the checkpoint in a run's folder."""
MANIFEST = "training.json"
"""File that marks the folder of a training."""
LOG = "log"
"""Folder of the files of TensorBoard and wandb."""
MAY_CHANGE = ("out", "data", "workers", "save_every", "minutes", "tracker")
"""Settings that may differ when a run is resumed. Of the data, a checkpoint stores a digest."""
ZERO_COUNTS = ("area",)
"""Settings for which 0 is another value than none."""
RENAMED_SETTINGS = {"keep": "stored_size"}
"""Present names of the settings that older checkpoints store under another name."""
NUMBERS_OF_PROCESSES = (
    "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE",
)  # fmt: skip
"""Environment variables with which launchers tell a process how many there are."""


@contextmanager
def begun(config: Training, task: type[TrainingTask]) -> Iterator[Sharing]:
    """Make the folder of a run, or check that a folder is that of this run; undo it on failure.

    The file `training.json` marks it, so that no other file of that name is overwritten. What was
    there before is not removed, nor the folder of a run that another process has joined.

    Outside of a distributed launch, the run is of one process at a time.

    Args:
        config: Settings of the run.
        task: What is trained.

    Yields:
        The share in the run, which the caller keeps as long as it trains.

    Raises:
        InputError: The folder has other files, or weights that would be lost, or a run of other
            settings, or another process trains in it, or it cannot be written.
    """
    out, mark = config.out, config.out / MANIFEST
    _check_folder(config, task)
    content = {"network": network_of(task), "settings": as_json(config)}
    with write_errors(out):
        missing = [path for path in (out / LOG, out / CHECKPOINT, out) if not exists(path)]
        made, sharing = False, None
        while sharing is None:  # again if another process has just removed the folder
            out.mkdir(parents=True, exist_ok=True)
            if not exists(mark):
                made = create_file(mark, json_bytes(content, mark))
            sharing = _share(mark)
    try:
        _check_folder(config, task)  # another process may have trained in the meantime
        yield sharing
    except BaseException:
        if made and sharing.alone():
            _discard(mark, missing)
        sharing.close()
        raise


def _share(mark: Path) -> Sharing | None:
    """Return the share of this process in a run; None if another has removed the run."""
    if is_distributed():
        return Sharing.join(mark)
    try:
        return Sharing.hold(mark)
    except BlockingIOError as error:
        raise InputError(
            f"{mark.parent}: another process trains in this folder; wait until it ends, or choose "
            "another folder"
        ) from error


def is_distributed() -> bool:
    """Whether a launcher has started this process as one of several."""
    return any(os.environ.get(name, "1") not in {"", "1"} for name in NUMBERS_OF_PROCESSES)


def _check_folder(config: Training, task: type[TrainingTask]) -> None:
    """Raise `InputError` for a folder with files, unless they are those of this training."""
    out = config.out
    check_name(place_of(out))
    if exists(out) and not is_folder(out):
        raise InputError(f"{out}: is a file, expected a folder; choose another folder")
    with write_errors(out):
        remove_leavings(out)
        others = [path for path in out.glob("*") if not is_workplace(path)]
        if others and not is_mark(out / MANIFEST) and not _is_checkpoint(out / CHECKPOINT):
            raise InputError(
                f"{out}: holds files of no training ({others[0].name}); choose another folder"
            )
    if exists(out / MANIFEST):
        _check_same(config, task)
    weights = out / task.weights_file
    if exists(weights) and not exists(out / CHECKPOINT) and not _is_of_a_kill(weights, config):
        raise InputError(
            f"{weights}: would be replaced, since there is no {CHECKPOINT} to continue from; "
            "choose another folder"
        )


def _check_same(config: Training, task: type[TrainingTask]) -> None:
    """Raise `InputError` unless `training.json` is of this network and of these settings."""
    stored, network = read_json(config.out / MANIFEST), network_of(task)
    if stored.get("network", network) != network:  # earlier versions store no network
        raise InputError(
            f"{config.out} holds a run of {stored['network']}, got {network}; choose another folder"
        )
    check_settings(stored["settings"], config)


def _is_of_a_kill(weights: Path, config: Training) -> bool:
    """Whether weights are those of the first of several checkpoints of a run with these settings.

    Weights are written before their checkpoint, and a kill may come between the two.
    """
    with suppress(InputError), as_input_error(weights):
        metadata, _ = load_trained(weights, ("run", "step"), "weights")
        is_first = metadata["step"] == str(config.save_every) and config.save_every < config.steps
        return is_first and metadata["run"] == run_of(config)
    return False


def _discard(mark: Path, missing: Sequence[Path]) -> None:
    """Remove the mark of a run without a step, and of the paths that were missing before it.

    Nothing is removed if another process has written a checkpoint; other files stay.
    """
    log, checkpoint, out = (mark.parent / name for name in (LOG, CHECKPOINT, ""))
    if checkpoint in missing and exists(checkpoint):
        return
    with suppress(OSError):
        mark.unlink(missing_ok=True)
        if log in missing:
            shutil.rmtree(log, ignore_errors=True)
        if out in missing:
            out.rmdir()


def _is_checkpoint(path: Path) -> bool:
    """Return whether there is a checkpoint; trainings of earlier versions have no other mark."""
    with suppress(InputError), as_input_error(path):
        stored = torch.load(check_file(path), "cpu", weights_only=True)
        return isinstance(stored, dict) and {"states", "settings", "step"} <= stored.keys()
    return False


def network_of(task: type[TrainingTask]) -> str:
    """Return the name of the network that a task trains."""
    return task.weights_file.partition(".")[0]


def run_of(config: Training) -> str:
    """Return the settings as the metadata of weights hold them."""
    return json.dumps(without_folders(as_json(config)))


def without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with paths cut to their last part.

    They are stored in weights, which are shared; the folders of a machine should not be.
    """

    def last_part(value: Any) -> Any:
        if isinstance(value, list):
            return [last_part(item) for item in value]
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1] if isinstance(value, str) else value

    return {name: last_part(value) for name, value in settings.items()}


def as_json(config: Training) -> dict[str, Any]:
    """Return the settings as JSON would bring them back."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return settings


def digests(config: Training) -> dict[str, str]:
    """Return a hash of each file that the settings name, but for the data and the classifier.

    Keys are the settings, or the names that an in-filler has for its files.
    """
    files = {
        name: Path(value)
        for name, value in vars(config).items()
        if isinstance(value, Path) and name != "out"
    }
    if (spec := getattr(config, "infiller", None)) is not None:
        files |= dict(files_of(resolve("infillers", spec)))
    return {name: digest_of(path) for name, path in files.items()}


def check_settings(stored: dict[str, Any], config: Training) -> None:
    """Raise `InputError` if a setting differs from the stored one, unless it may change."""
    now = as_json(config)
    before = as_json(type(config)()) | _upgrade(stored)  # older checkpoints lack newer settings
    for name in (name for name in now if name not in MAY_CHANGE):
        if not _is_same(name, before[name], now[name]):
            raise InputError(
                f"{config.out} holds a run with {name} = {before[name]}, got {now[name]}; choose "
                "another folder"
            )


def _is_same(name: str, before: Any, now: Any) -> bool:
    # older checkpoints store 0 or "" for a setting that is not given
    is_unset = not before and not now and name not in ZERO_COUNTS
    return is_unset or before == now


def _upgrade(stored: dict[str, Any]) -> dict[str, Any]:
    """Translate the settings of an older checkpoint to their present names and values."""
    settings = {RENAMED_SETTINGS.get(name, name): value for name, value in stored.items()}
    if settings.get("spread") == 0:
        settings |= {"spread": 1.0, "uniform_shares": True}
    return settings
