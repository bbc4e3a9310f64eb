"""Checkpoints of a training: save, resume, and the check that the settings still match."""

import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unsee.errors import InputError, as_input_error
from unsee.files import check_file, exists, is_folder, parse_json, read_json
from unsee.folders import check_name, create_file, json_bytes, new_file, place_of, write_errors
from unsee.locks import Sharing
from unsee.training.task import Batch, Training, TrainingTask
from unsee.workplace import NEW, is_workplace, remove_leavings, workplace

CHECKPOINT = "checkpoint.pt"
"""File name of the checkpoint in a run's folder."""
MANIFEST = "training.json"
"""File that marks the folder of a training."""
LOG = "log"
"""Folder of TensorBoard's files."""
COMMON_SETTINGS = ("out", "data", "steps", "seed")
"""Settings of every training, by which its `training.json` is recognised."""
MAX_PREVIEW_PHOTOS = 12
"""Number of validation photos in a preview."""
RENAMED_SETTINGS = {"keep": "stored_size"}
"""Present names of the settings that older checkpoints store under another name."""


def resume(config: Training, accelerator: Any, task: TrainingTask) -> tuple[int, float]:
    """Load the checkpoint in the run's folder into `task`, if there is one.

    Returns:
        The number of completed steps and the lowest validation loss: (0, inf) for a new run.

    Raises:
        InputError: If the checkpoint was made with other settings.
    """
    path = config.out / CHECKPOINT
    if not exists(path):
        return 0, math.inf
    check_file(path, "checkpoint")
    with as_input_error(f"{path}: not a checkpoint of this training"):
        stored = torch.load(path, "cpu", weights_only=True)
        settings = parse_json(stored["settings"], path)
        _check_settings(dict(settings), config, task.resume_settings)
        for name, part in _state(accelerator, task).items():
            part.load_state_dict(stored["states"][name])
        step, best, networks = int(stored["step"]), float(stored["best"]), stored["past"]
        if step < 0 or math.isnan(best) or not isinstance(networks, list | tuple):
            kind = type(networks).__name__
            raise ValueError(f"step {step}, lowest loss {best}, a {kind} of networks")
        task.snapshots = networks
        return step, best


@contextmanager
def begun(config: Training) -> Iterator[Sharing]:
    """Make the folder of a run, or check that a folder is one; undo that if the block fails.

    The file `training.json` marks it, so that no other file of that name is overwritten. What was
    there before is not removed, nor the folder of a run that another process has joined.

    Yields:
        The share in the run, which the caller keeps as long as it trains.

    Raises:
        InputError: The folder has other files, or cannot be written.
    """
    out, mark = config.out, config.out / MANIFEST
    _check_folder(out)
    with write_errors(out):
        missing = [path for path in (out / LOG, out / CHECKPOINT, out) if not exists(path)]
        made, sharing = False, None
        while sharing is None:  # again if another process has just removed the folder
            out.mkdir(parents=True, exist_ok=True)
            if not exists(mark):
                made = create_file(mark, json_bytes({"settings": _as_json(config)}, mark))
            sharing = Sharing.join(mark)
    try:
        yield sharing
    except BaseException:
        if made and sharing.alone():
            _discard(mark, missing)
        sharing.close()
        raise


def _check_folder(out: Path) -> None:
    """Raise `InputError` for a folder with files, unless they are those of a training."""
    check_name(place_of(out))
    if exists(out) and not is_folder(out):
        raise InputError(f"{out}: is a file, expected a folder; choose another folder")
    with write_errors(out):
        remove_leavings(out)
        others = [path for path in out.glob("*") if not is_workplace(path)]
        if others and not _is_marked(out / MANIFEST) and not _is_checkpoint(out / CHECKPOINT):
            raise InputError(
                f"{out}: holds files of no training ({others[0].name}); choose another folder"
            )


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


def _is_marked(path: Path) -> bool:
    """Return whether there is a `training.json` that a training wrote, not the user."""
    with suppress(InputError):
        content = read_json(path)
        settings = content.get("settings") if isinstance(content, dict) else None
        return isinstance(settings, dict) and set(COMMON_SETTINGS) <= settings.keys()
    return False


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
    tensors, metadata = task.weights()
    _check_finite(tensors, loss, step)
    if loss is not None:
        accelerator.log({"held out": loss}, step)
    improved = loss is None or loss < best or not task.keeps_best
    best = best if loss is None else min(best, loss)
    if not accelerator.is_main_process:
        return best
    if improved:
        run = json.dumps(without_folders(_as_json(config)))
        _save_weights(config.out / task.weights_file, tensors, metadata | {"run": run})
    _save_checkpoint(config, accelerator, task, step, best)
    preview = config.out / f"step-{step:06d}"
    with torch.no_grad(), write_errors(preview), workplace(config.out) as place:
        (place / NEW).mkdir()
        task.draw_preview(photos.select(slice(0, MAX_PREVIEW_PHOTOS)), place / NEW / preview.name)
        for file in (place / NEW).iterdir():
            file.replace(config.out / file.name)
    return best


def without_folders(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with paths cut to their last part.

    They are stored in weights, which are shared; the folders of a machine should not be.
    """

    def last_part(value: Any) -> Any:
        if isinstance(value, list):
            return [last_part(item) for item in value]
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1] if isinstance(value, str) else value

    return {name: last_part(value) for name, value in settings.items()}


def _save_weights(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    from safetensors.torch import save_file

    with new_file(path) as unfinished, _full_disk():
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
    config: Training, accelerator: Any, task: TrainingTask, step: int, best: float
) -> None:
    stored = {
        "states": {name: part.state_dict() for name, part in _state(accelerator, task).items()},
        "past": task.snapshots,
        "step": step,
        "best": best,
        "settings": json.dumps(_as_json(config)),
    }
    with new_file(config.out / CHECKPOINT) as unfinished, _full_disk():
        torch.save(stored, unfinished)


def _state(accelerator: Any, task: TrainingTask) -> dict[str, Any]:
    """Return all that a checkpoint holds, with the loss scaler of float16."""
    scaler = {"scaler": accelerator.scaler} if accelerator.scaler is not None else {}
    return task.state() | scaler


def _as_json(config: Training) -> dict[str, Any]:
    """Return the settings as JSON would bring them back."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return settings


def _check_finite(tensors: dict[str, Tensor], loss: float | None, step: int) -> None:
    finite = all(v.isfinite().all() for v in tensors.values() if v.is_floating_point())
    if not finite or (loss is not None and not math.isfinite(loss)):
        raise InputError(
            f"step {step}: the weights or the validation loss are not finite; the last checkpoint "
            "is unchanged: use a lower rate"
        )


def _check_settings(stored: dict[str, Any], config: Training, names: Sequence[str]) -> None:
    """Raise `InputError` if a setting that must stay the same differs from the stored one."""
    before, now = _upgrade(stored), _as_json(config)
    for name in names:
        # older checkpoints store 0 or "" for a setting that is not given, and lack newer settings
        if before.get(name) != now[name] and (before.get(name) or now[name]):
            raise InputError(
                f"{config.out} holds a run with {name} = {before.get(name)}, got {now[name]}; "
                "choose another folder"
            )


def _upgrade(stored: dict[str, Any]) -> dict[str, Any]:
    """Translate the settings of an older checkpoint to their present names and values."""
    settings = {RENAMED_SETTINGS.get(name, name): value for name, value in stored.items()}
    if settings.get("spread") == 0:
        settings |= {"spread": 1.0, "uniform_shares": True}
    return settings
