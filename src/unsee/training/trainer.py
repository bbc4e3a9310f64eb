"""The one loop of all trainings: photos in, checkpoints, pictures and weights out."""

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from unsee.errors import InputError
from unsee.training.crops import Crops, Numbers, middles
from unsee.training.photos import Labelled
from unsee.training.task import SHOWN, Batch, Game, Training


def run(chosen: Training, make: Callable[[Any, Any], Game]) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    if not chosen.data:
        raise InputError("expected data: folders or zip files of photos")
    accelerator = _accelerator_of(chosen.out, chosen.precision)
    if chosen.batch % accelerator.num_processes:
        raise InputError(
            f"expected a batch that {accelerator.num_processes} processes can share, got "
            f"{chosen.batch}"
        )
    accelerator.init_trackers("training")
    game = make(chosen, accelerator)
    step, best = _resume(chosen, accelerator, game)
    kept, held = _split(chosen.photos(), chosen.held_out)
    judge = Batch(middles(held.pictures, game.size), held.targets, 0, len(held.pictures))
    began, share = time.monotonic(), chosen.batch // accelerator.num_processes
    first = share * accelerator.process_index
    crops = game.crops(kept, chosen.seed)
    for pixels, which in _loader(chosen, crops, step, first, share):
        if step >= chosen.steps:
            break
        targets = None if kept.targets is None else kept.targets[which]
        batch = Batch(pixels, targets, first, chosen.batch)
        losses = game.move(step, _on(batch, accelerator.device))
        step += 1
        _check_finite(losses, step)
        accelerator.log(losses, step)
        yield losses | {"step": step}
        late = _late(chosen, accelerator, began)
        if step == chosen.steps or late or step % chosen.save_every == 0:
            best = _save(chosen, accelerator, game, step, best, _on(judge, accelerator.device))
        if late:
            break
    accelerator.end_training()


def _check_finite(losses: dict[str, float], step: int) -> None:
    """Stop a training that diverges."""
    if not all(map(math.isfinite, losses.values())):
        raise InputError(
            f"step {step}: the loss is not finite ({losses}); the last checkpoint stays"
        )


def _accelerator_of(out: Path, precision: str) -> Any:
    """Accelerate's, with TensorBoard's log where that is installed."""
    from accelerate import Accelerator
    from accelerate.utils import ProjectConfiguration

    logged = None
    with suppress(ImportError):
        import tensorboard  # noqa: F401

        logged = ["tensorboard"]
    out.mkdir(parents=True, exist_ok=True)
    if precision == "fp16" and not (torch.cuda.is_available() or torch.mps.is_available()):
        raise InputError("precision fp16 needs a GPU; on a CPU take bf16 or no")
    return Accelerator(
        mixed_precision=precision,
        log_with=logged,
        project_config=ProjectConfiguration(str(out), logging_dir=str(out / "log")),
    )


def along_cosine(optimiser: Any, rate: float, over: float) -> None:
    """Set the learning rate: full at first, zero when all (1) of the training is over."""
    for group in optimiser.param_groups:
        group["lr"] = rate * (1 + math.cos(math.pi * min(over, 1.0))) / 2


def descend(accelerator: Any, optimiser: Any, network: nn.Module, loss: Any, clip: float) -> None:
    """A step with the mean gradient of all processes, its norm clipped.

    Raises `InputError`, before the step, where the gradient is not finite and no scaler sees to it.
    """
    optimiser.zero_grad()
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        for p in network.parameters():
            if p.grad is not None:
                p.grad = accelerator.reduce(p.grad, "mean")
    accelerator.unscale_gradients(optimiser)  # of this player alone, where losses are scaled
    norm = nn.utils.clip_grad_norm_(network.parameters(), clip)
    if accelerator.scaler is None and not norm.isfinite():
        raise InputError("the gradient is not finite; the last checkpoint stays: take a lower rate")
    optimiser.step()


def _split(photos: Labelled, held_out: int) -> tuple[Labelled, Labelled]:
    """To train on, and to look at: evenly from the first to the last, a fifth at most."""
    count = len(photos.pictures)
    held = min(held_out, count // 5) or 1
    looked = torch.zeros(count, dtype=torch.bool)
    looked[torch.linspace(0, count - 1, held).round().long()] = True
    return photos.part(~looked if count > 1 else looked), photos.part(looked)


def _loader(chosen: Training, crops: Crops, step: int, first: int, share: int) -> DataLoader[Any]:
    numbers = Numbers(step, chosen.batch, first, share)
    return DataLoader(
        crops, share, sampler=numbers, num_workers=chosen.workers,
        pin_memory=torch.cuda.is_available(),
    )  # fmt: skip


def _on(batch: Batch, device: torch.device) -> Batch:
    targets = None if batch.targets is None else batch.targets.to(device)
    return batch._replace(pixels=batch.pixels.to(device), targets=targets)


def _late(chosen: Training, accelerator: Any, began: float) -> bool:
    """Whether the time is over, for all processes as soon as for one."""
    if not chosen.minutes:
        return False
    late = time.monotonic() - began > 60 * chosen.minutes
    mine = torch.tensor([float(late)], device=accelerator.device)
    return bool(accelerator.gather(mine).any())


def _resume(chosen: Training, accelerator: Any, game: Game) -> tuple[int, float]:
    """The step that a run in this folder has come to, and its best loss."""
    path = chosen.out / "checkpoint.pt"
    if not path.exists():
        return 0, math.inf
    stored = torch.load(path, "cpu", weights_only=True)
    _check_same(json.loads(stored["settings"]), chosen, game.fixed)
    for name, part in _states(accelerator, game).items():
        part.load_state_dict(stored["states"][name])
    game.past = stored["past"]
    return int(stored["step"]), float(stored["best"])


def _states(accelerator: Any, game: Game) -> dict[str, Any]:
    """All that a checkpoint holds; half precision on a GPU scales its losses."""
    scaler = {"scaler": accelerator.scaler} if accelerator.scaler is not None else {}
    return game.states() | scaler


def _plain(chosen: Any) -> dict[str, Any]:
    """Settings of a training as JSON would bring them back."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(chosen), default=str))
    return found


def told(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as weights tell them: files by name alone, since weights are passed on."""

    def short(value: Any) -> Any:
        if isinstance(value, list):
            return [short(one) for one in value]
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1] if isinstance(value, str) else value

    return {name: short(value) for name, value in settings.items()}


def _check_same(before: dict[str, Any], chosen: Any, names: Sequence[str]) -> None:
    """Refuse to go on with a run whose settings were others."""
    now = _plain(chosen)
    for name in names:
        if before.get(name) != now[name]:
            raise InputError(
                f"{chosen.out}: a run with {name} = {before.get(name)} is there, got {now[name]}; "
                "choose another --out"
            )


def _save(
    chosen: Training, accelerator: Any, game: Game, step: int, best: float, judge: Batch
) -> float:
    """The whole game, the weights if they are the best, and a picture; complete or not at all."""
    with torch.no_grad():
        found = game.shortcoming(judge)
    tensors, about = game.weights()
    broken = [k for k, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken or (found is not None and not math.isfinite(found)):
        raise InputError(
            f"step {step}: the weights are not finite any more, or say nothing finite of held-out "
            "photos; the last checkpoint stays: take a lower rate"
        )
    if found is not None:
        accelerator.log({"held out": found}, step)
    better = found is None or found < best or not game.early
    best = best if found is None else min(best, found)
    if not accelerator.is_main_process:
        return best
    from safetensors.torch import save_file

    settings = _plain(chosen)
    if better:
        part = chosen.out / f"{game.file}.part"
        words = about | {"run": json.dumps(told(settings))}
        save_file({k: v.contiguous() for k, v in tensors.items()}, part, words)
        part.replace(chosen.out / game.file)
    states = {name: part.state_dict() for name, part in _states(accelerator, game).items()}
    stored = {"states": states, "past": game.past, "step": step, "best": best}
    new = chosen.out / "checkpoint.new"
    torch.save({**stored, "settings": json.dumps(settings)}, new)
    new.replace(chosen.out / "checkpoint.pt")
    with torch.no_grad():
        game.show(judge.part(slice(0, SHOWN)), chosen.out / f"step-{step:06d}")
    return best
