"""Checkpoints of a training: save and resume."""

import errno
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from unsee.classifiers.answers import Answers
from unsee.errors import InputError, as_input_error
from unsee.storage.files import check_file, exists, parse_json
from unsee.storage.folders import new_file, write_errors
from unsee.storage.records import record
from unsee.storage.workplace import NEW, workplace
from unsee.training.run_folder import CHECKPOINT, as_json, check_settings, run_of
from unsee.training.task import Batch, Training, TrainingTask

MAX_PREVIEW_PHOTOS = 12
"""Number of validation photos in a preview."""


def resume(config: Training, accelerator: Any, task: TrainingTask) -> tuple[int, float]:
    """Load the checkpoint in the run's folder into `task`, if there is one.

    Returns:
        The number of completed steps and the lowest validation loss: (0, inf) for a new run.

    Raises:
        InputError: If the checkpoint was made with other settings or photos, or the weights with
            the lowest validation loss are missing.
    """
    path = config.out / CHECKPOINT
    if not exists(path):
        return 0, math.inf
    check_file(path, "checkpoint")
    with as_input_error(f"{path}: not a checkpoint of this training"):
        stored = torch.load(path, "cpu", weights_only=True)
        settings = parse_json(stored["settings"], path)
        check_settings(dict(settings), config)
        _check_photos(stored, dict(settings), config, task)
        _check_inputs(stored, config, task)
        for name, part in _state(accelerator, task).items():
            part.load_state_dict(stored["states"][name])
        step, best, networks = int(stored["step"]), float(stored["best"]), stored["past"]
        if step < 0 or math.isnan(best) or not isinstance(networks, list | tuple):
            kind = type(networks).__name__
            raise ValueError(f"step {step}, lowest loss {best}, a {kind} of networks")
        task.snapshots = networks
    if not exists(config.out / task.weights_file):
        _restore_weights(config, accelerator, task, step, is_last=bool(stored.get("has_weights")))
    return step, best


def _restore_weights(
    config: Training, accelerator: Any, task: TrainingTask, step: int, *, is_last: bool
) -> None:
    """Write weights that are missing, if they are those of the checkpoint.

    Raises:
        InputError: They are of an earlier step, which the checkpoint does not hold.
    """
    path = config.out / task.weights_file
    if task.keeps_best and not is_last:
        raise InputError(
            f"{path} is missing, and {CHECKPOINT} holds other weights than these, which had the "
            "lowest validation loss; put the file back, or choose another folder"
        )
    if accelerator.is_main_process:
        _save_weights(config, task, step, task.weights())


def _check_photos(
    stored: dict[str, Any], settings: dict[str, Any], config: Training, task: TrainingTask
) -> None:
    """Raise `InputError` for other photos than those of the checkpoint, wherever they are."""
    data = list(config.data)
    if stored.get("photos") and task.photos:
        is_same = stored["photos"] == task.photos
    else:  # earlier versions store no digest
        is_same = settings.get("data", data) == data
    if not is_same:
        raise InputError(
            f"{config.out} holds a run with other photos or labels than {', '.join(data)}; choose "
            "another folder"
        )


def _check_inputs(stored: dict[str, Any], config: Training, task: TrainingTask) -> None:
    """Raise `InputError` for another classifier, or other files, of the same names.

    Earlier versions store neither.
    """
    answers, now = stored.get("answers"), task.answers
    if answers is not None and now is not None:
        before = record(Answers, answers, config.out / CHECKPOINT)
        if before.size != now.size or before.differ_from(now):
            raise InputError(
                f"{config.out} holds a run of another classifier of the same name (other outputs "
                "for the same pictures); choose another folder"
            )
    files = dict(stored.get("files", task.files))
    for name in task.files.keys() & files.keys():
        if task.files[name] != files[name]:
            raise InputError(
                f"{config.out} holds a run with another content of the file {name}; choose another "
                "folder"
            )


def save(
    config: Training, accelerator: Any, task: TrainingTask, step: int, best: float, photos: Batch
) -> float:
    """Validate, then save the checkpoint, a preview and, if they are the best, the weights.

    Each file is written under another name first, so that a killed run leaves no partial file.

    Args:
        config: Settings of the run.
        accelerator: Accelerate's `Accelerator`.
        task: The task to save.
        step: Number of completed steps.
        best: Lowest validation loss so far.
        photos: Validation photos.

    Returns:
        The lowest validation loss up to this step.

    Raises:
        InputError: If the weights or the validation loss are not finite. Nothing is then written.
    """
    with torch.no_grad():
        loss = task.validation_loss(photos)
    weights = task.weights()
    _check_finite(weights[0], loss, step)
    if loss is not None:
        accelerator.log({"held out": loss}, step)
    improved = loss is None or loss < best or not task.keeps_best
    best = best if loss is None else min(best, loss)
    if not accelerator.is_main_process:
        return best
    if improved:
        _save_weights(config, task, step, weights)
    _save_checkpoint(config, accelerator, task, step, best, has_weights=improved)
    preview = config.out / f"step-{step:06d}"
    with torch.no_grad(), write_errors(preview), workplace(config.out) as place:
        (place / NEW).mkdir()
        task.draw_preview(photos.select(slice(0, MAX_PREVIEW_PHOTOS)), place / NEW / preview.name)
        for file in (place / NEW).iterdir():
            file.replace(config.out / file.name)
    return best


def _save_weights(
    config: Training,
    task: TrainingTask,
    step: int,
    weights: tuple[dict[str, Tensor], dict[str, str]],
) -> None:
    from safetensors.torch import save_file

    tensors, metadata = weights
    metadata = metadata | {"run": run_of(config), "step": str(step)}
    if task.answers is not None:
        metadata["answers"] = json.dumps(asdict(task.answers))
    with new_file(config.out / task.weights_file) as unfinished, _full_disk():
        save_file({k: value.contiguous() for k, value in tensors.items()}, unfinished, metadata)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Turn what other libraries raise for a full disk into the error of the system."""
    try:
        yield
    except Exception as error:
        if "No space left" in str(error) or "file write failed" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _save_checkpoint(
    config: Training, accelerator: Any, task: TrainingTask, step: int, best: float, *,
    has_weights: bool,
) -> None:  # fmt: skip
    stored = {
        "states": {name: part.state_dict() for name, part in _state(accelerator, task).items()},
        "past": task.snapshots,
        "step": step,
        "best": best,
        "has_weights": has_weights,
        "photos": task.photos,
        "answers": None if task.answers is None else asdict(task.answers),
        "files": task.files,
        "settings": json.dumps(as_json(config)),
    }
    with new_file(config.out / CHECKPOINT) as unfinished, _full_disk():
        torch.save(stored, unfinished)


def _state(accelerator: Any, task: TrainingTask) -> dict[str, Any]:
    """Return all that a checkpoint holds, with the loss scaler of float16."""
    scaler = {"scaler": accelerator.scaler} if accelerator.scaler is not None else {}
    return task.state() | scaler


def _check_finite(tensors: dict[str, Tensor], loss: float | None, step: int) -> None:
    finite = all(v.isfinite().all() for v in tensors.values() if v.is_floating_point())
    if not finite or (loss is not None and not math.isfinite(loss)):
        raise InputError(
            f"step {step}: the weights or the validation loss are not finite; the last checkpoint "
            "is unchanged: train in another folder with a lower rate"
        )
