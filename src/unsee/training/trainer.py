"""The training loop, from photos to checkpoints, previews and weights."""

import math
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader

from unsee.errors import InputError
from unsee.output.trackers import check_trackers, started
from unsee.process.children import kept_safe
from unsee.training import checkpoint, run_folder
from unsee.training.crops import Crops, StepSampler, resize_whole
from unsee.training.photos import PhotoSet
from unsee.training.task import Batch, Training, TrainingTask

MAX_HELD_OUT_FRACTION = 5
"""At most one photo in this many is held out for validation."""

Config = TypeVar("Config", bound=Training)


class Stopped(KeyboardInterrupt):
    """A training was interrupted, and a checkpoint of its last step was saved."""

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__(f"stopped after step {step}")


def run(config: Config, make_task: type[TrainingTask]) -> Generator[dict[str, float], None, None]:
    """Train to the last step or to the time limit; yield the losses and the number of each step.

    A `KeyboardInterrupt` that is thrown into the generator between two steps saves a checkpoint.

    Raises:
        Stopped: The training was interrupted between two steps, after the checkpoint.
        InputError: If the settings are wrong, or a loss is not finite. The last checkpoint is then
            unchanged.
    """
    if not config.data:
        raise InputError("expected data: folders or zip files of photos")
    check_trackers(config.tracker)
    with run_folder.begun(config, make_task) as sharing:
        accelerator = _accelerator(config)
        task = make_task(config, accelerator)
        photos = config.photos()
        task.photos, task.answers = photos.digest(), task.classifier_answers()
        task.files = run_folder.digests(config)
        step, best = checkpoint.resume(config, accelerator, task)
        photos, held_out = split_photos(photos, config.held_out)
    log = config.out / run_folder.LOG
    with closing(sharing), started(accelerator, config.out.absolute().name, log):
        yield from _trained(config, accelerator, task, (step, best), photos, held_out)


def _trained(
    config: Config, accelerator: Any, task: TrainingTask, resumed: tuple[int, float],
    photos: PhotoSet, held_out: PhotoSet,
) -> Generator[dict[str, float], None, None]:  # fmt: skip
    step, best = resumed
    validation_batch = Batch(
        resize_whole(held_out.pictures, task.size), held_out.targets, 0, len(held_out.pictures)
    )
    start, share = time.monotonic(), config.batch // accelerator.num_processes
    first = share * accelerator.process_index
    for pixels, photo in _loader(config, task.crops(photos, config.seed), step, first, share):
        if step >= config.steps:
            break
        targets = None if photos.targets is None else photos.targets[photo]
        batch = Batch(pixels, targets, first, config.batch)
        losses = task.training_step(step, _to_device(batch, accelerator.device))
        step += 1
        _check_finite(losses, step)
        accelerator.log(losses, step)
        interrupted = yield from _interruptible(losses | {"step": step})
        stop = interrupted or _time_is_up(config, accelerator, start)
        if step == config.steps or stop or step % config.save_every == 0:
            batch = _to_device(validation_batch, accelerator.device)
            best = checkpoint.save(config, accelerator, task, step, best, batch)
        if interrupted:
            raise Stopped(step)
        if stop:
            break
    accelerator.wait_for_everyone()  # one of them may still write the last checkpoint


def _interruptible(losses: dict[str, float]) -> Generator[dict[str, float], None, bool]:
    """Yield the losses of a step; return whether the training was interrupted there."""
    try:
        yield losses
    except KeyboardInterrupt:
        return True
    return False


def _ignore_interruptions(_worker: int) -> None:
    """Let Ctrl-C, which reaches all processes of a terminal, end a worker through its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def split_photos(photos: PhotoSet, count: int) -> tuple[PhotoSet, PhotoSet]:
    """Split photos into training and validation photos.

    Validation photos are spaced evenly from the first photo to the last, `count` of them but at
    most a fifth of all. A single photo serves as both.
    """
    total = len(photos.pictures)
    held_out = min(count, total // MAX_HELD_OUT_FRACTION) or 1
    mask = torch.zeros(total, dtype=torch.bool)
    mask[torch.linspace(0, total - 1, held_out).round().long()] = True
    return photos.select(~mask if total > 1 else mask), photos.select(mask)


def _accelerator(config: Training) -> Any:
    """Return Accelerate's `Accelerator` with its trackers."""
    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    half = config.precision == "fp16"
    if half and not (torch.cuda.is_available() or torch.mps.is_available()):
        raise InputError("precision fp16 needs a GPU; use bf16 or no on a CPU")
    accelerator = Accelerator(
        mixed_precision=config.precision,
        log_with=list(config.tracker or _installed()) or None,
        project_config=ProjectConfiguration(
            str(config.out), logging_dir=str(config.out / run_folder.LOG)
        ),
    )
    if config.batch % accelerator.num_processes:
        raise InputError(
            f"expected a batch that is a multiple of the {accelerator.num_processes} processes, "
            f"got {config.batch}"
        )
    return accelerator


def _installed() -> list[str]:
    """Return TensorBoard, the default tracker, if it is installed."""
    return ["tensorboard"] if find_spec("tensorboard") else []


def _loader(config: Training, crops: Crops, step: int, first: int, share: int) -> Iterator[Any]:
    """Return an iterator of batches of crops and photo indices for this process, from `step` on."""
    loader = DataLoader(
        crops, share, sampler=StepSampler(step, config.batch, first, share),
        num_workers=config.workers, pin_memory=torch.cuda.is_available(),
        worker_init_fn=_ignore_interruptions,
    )  # fmt: skip
    with kept_safe():
        return iter(loader)  # starts the worker processes


def _to_device(batch: Batch, device: torch.device) -> Batch:
    targets = None if batch.targets is None else batch.targets.to(device)
    return batch._replace(pixels=batch.pixels.to(device), targets=targets)


def _time_is_up(config: Training, accelerator: Any, start: float) -> bool:
    """Return whether the time limit is reached, on all processes as soon as on one."""
    if config.minutes is None:
        return False
    is_time_up = time.monotonic() - start > 60 * config.minutes
    flag = torch.tensor([float(is_time_up)], device=accelerator.device)
    return bool(accelerator.gather(flag).any())


def _check_finite(losses: dict[str, float], step: int) -> None:
    """Raise `InputError` if a loss is not finite."""
    if not all(map(math.isfinite, losses.values())):
        raise InputError(
            f"step {step}: the loss is not finite ({losses}); the last checkpoint is unchanged: "
            "train in another folder with a lower rate"
        )
