"""Training of our in-filling generator: reconstruction, perception and a critic of patches."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, SequentialSampler

from unsee.errors import InputError
from unsee.networks.critic import Critic
from unsee.networks.painter import Painter
from unsee.networks.perceptual import Perceptual
from unsee.training.grid import grid
from unsee.training.loop import accelerator_of, check_finite, check_same, plain
from unsee.training.photos import Holed, squares


@dataclass(frozen=True)
class InfillerTraining:
    """Train the generator that removes evidence (extra: train).

    A run goes on from where its folder left off; the n-th step is the same whenever it is made.
    """

    data: tuple[str, ...] = ()
    """Folders and zip files of photos."""
    out: Path = Path("unsee-infiller")
    """Folder for checkpoints, weights, pictures and the log; a run in it is continued."""
    steps: int = 60_000
    """Optimisation steps in all."""
    batch: int = 64
    """Photos per step (and process)."""
    size: int = 128
    """Side of the crops in pixels."""
    keep: int = 160
    """Side at which photos are kept in memory."""
    rate: float = 3e-4
    """AdamW's rate for the generator, falling to zero over the last three quarters."""
    critic_rate: float = 3e-4
    """For the critic."""
    l1: float = 4.0
    """Weight of the mean absolute difference."""
    perceptual: float = 2.0
    """Weight of the difference of VGG's layers; 0 needs no weights."""
    adversarial: float = 0.1
    """Weight of the critic, from the step `critic_from` on."""
    critic_from: int = 2_000
    """The first step of the critic."""
    variety: float = 0.05
    """Reward for answers that differ with the noise."""
    ema: float = 0.999
    """Decay of the running mean of the weights, which is what is used."""
    seed: int = 0
    """Of photos, holes and noise."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    vgg: Path | None = None
    """vgg_shift_tolerant.pth of the PyPI package stlpips-pytorch."""
    start: Path | None = None
    """Weights of a generator to begin from."""
    workers: int = 2
    """Processes that cut crops and holes."""
    save_every: int = 1_000
    """Steps between checkpoints."""
    picture_every: int = 1_000
    """Steps between pictures."""
    minutes: float = 0
    """Stop after so long with a checkpoint; 0 goes on to the end."""


@dataclass(eq=False)
class _Players:
    """What is trained, and how."""

    painter: nn.Module
    critic: nn.Module
    mean: AveragedModel
    paint: torch.optim.Optimizer
    judge: torch.optim.Optimizer
    perceptual: Perceptual | None


def train(chosen: InfillerTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    if not chosen.data:
        raise InputError("expected data: folders or zip files of photos")
    accelerator = accelerator_of(chosen.out, chosen.precision)
    accelerator.init_trackers("infiller")
    players = _players(chosen, accelerator)
    step = _resume(chosen, accelerator, players)
    world = accelerator.num_processes
    loader = accelerator.prepare(_loader(chosen, step * chosen.batch * world))
    began = time.monotonic()
    for x, keep in loader:
        if step >= chosen.steps:
            break
        losses = _step(chosen, accelerator, players, step, x, keep)
        step += 1
        check_finite(losses, step)
        accelerator.log(losses, step)
        yield losses | {"step": step}
        late = bool(chosen.minutes) and time.monotonic() - began > 60 * chosen.minutes
        _record(chosen, accelerator, players, step, (x, keep), late=late)
        if late:
            break
    accelerator.end_training()


def _record(
    chosen: InfillerTraining, accelerator: Any, players: _Players, step: int,
    last: tuple[Tensor, Tensor], *, late: bool,
) -> None:  # fmt: skip
    """Pictures and checkpoints when they are due."""
    over = step == chosen.steps
    if accelerator.is_main_process and (over or step % chosen.picture_every == 0):
        x, keep = (part[:12] for part in last)
        grid(players.mean.module, x, keep, chosen.out / f"step-{step:06d}.jpg")
    if over or late or step % chosen.save_every == 0:
        _save(chosen, accelerator, players, step)


def _players(chosen: InfillerTraining, accelerator: Any) -> _Players:
    torch.manual_seed(chosen.seed)
    painter, critic = Painter(), Critic()
    if chosen.start:
        from safetensors.torch import load_file

        painter.load_state_dict({k: v.float() for k, v in load_file(chosen.start).items()})
    betas = (0.5, 0.99)
    paint = torch.optim.AdamW(painter.parameters(), chosen.rate, betas, weight_decay=1e-4)
    judge = torch.optim.AdamW(critic.parameters(), chosen.critic_rate, betas, weight_decay=0)
    mean = AveragedModel(painter, multi_avg_fn=get_ema_multi_avg_fn(chosen.ema))
    mean = mean.to(accelerator.device)
    perceptual = None
    if chosen.perceptual:
        if chosen.vgg is None:
            raise InputError("perceptual > 0 needs vgg, the path of vgg_shift_tolerant.pth")
        perceptual = Perceptual.load(chosen.vgg).to(accelerator.device)
    prepared = accelerator.prepare(painter, critic, paint, judge)
    accelerator.register_for_checkpointing(mean)
    painter, critic, paint, judge = prepared
    return _Players(painter, critic, mean, paint, judge, perceptual)


def _loader(chosen: InfillerTraining, first: int) -> DataLoader[tuple[Tensor, Tensor]]:
    data = Holed(squares(chosen.data, chosen.keep), chosen.size, chosen.seed, first)
    return DataLoader(
        data, chosen.batch, sampler=SequentialSampler(data), num_workers=chosen.workers,
        pin_memory=torch.cuda.is_available(), persistent_workers=chosen.workers > 0,
    )  # fmt: skip


def _step(
    chosen: InfillerTraining,
    accelerator: Any,
    players: _Players,
    step: int,
    x: Tensor,
    keep: Tensor,
) -> dict[str, float]:
    """The critic's move, then the generator's."""
    rate = min(1.0, (step + 1) / 500) * min(1.0, (1 - step / chosen.steps) / 0.75)
    for optimiser, full in ((players.paint, chosen.rate), (players.judge, chosen.critic_rate)):
        for group in optimiser.param_groups:
            group["lr"] = full * rate
    bare = accelerator.unwrap_model(players.painter)
    g = torch.Generator().manual_seed(chosen.seed * 31 + step * 101 + accelerator.process_index)
    noise = torch.randn(len(x), bare.noise, generator=g)
    noise = noise * (torch.rand(len(x), 1, generator=g) < 0.5)  # half of them: the middle one
    noise = noise.to(x.device)
    with accelerator.autocast():
        fake = players.painter(x, keep, noise)
    losses = {}
    if step >= chosen.critic_from:
        losses["critic"] = _judge(accelerator, players, x, keep, fake.detach())
    with accelerator.autocast():
        losses |= _shortcomings(chosen, players, step, x, keep, fake)
        if chosen.variety and step % 4 == 0:
            other = players.painter(x, keep, noise.flip(0))
            apart = (noise - noise.flip(0)).abs().mean() + 0.1
            losses["variety"] = ((other - fake).abs().mean() / apart).clamp(max=0.2)
        weights = {"variety": -chosen.variety, "critic": 0.0}
        total = sum(weights.get(k, getattr(chosen, k, 0.0)) * v for k, v in losses.items())
    _move(accelerator, players.paint, players.painter, total)
    players.mean.update_parameters(bare)
    return {name: float(value.detach()) for name, value in losses.items()}


def _judge(accelerator: Any, players: _Players, x: Tensor, keep: Tensor, fake: Tensor) -> Tensor:
    """The critic's hinge loss, and its move."""
    players.critic.requires_grad_(True)
    with accelerator.autocast():
        real_side = (1 - players.critic(x, keep)).relu().mean()
        loss: Tensor = real_side + (1 + players.critic(fake, keep)).relu().mean()
    _move(accelerator, players.judge, players.critic, loss)
    return loss.detach()


def _shortcomings(
    chosen: InfillerTraining, players: _Players, step: int, x: Tensor, keep: Tensor, fake: Tensor
) -> dict[str, Tensor]:
    """What is wrong with an answer: pixels, layers of VGG, the critic's opinion."""
    missing = (1 - keep).mean((1, 2, 3)).clamp(min=0.02)
    found = {"l1": ((fake - x).abs().mean((1, 2, 3)) / missing.sqrt()).mean()}
    if players.perceptual is not None:
        found["perceptual"] = players.perceptual(fake, x).mean()
    if step >= chosen.critic_from:
        players.critic.requires_grad_(False)
        found["adversarial"] = -players.critic(fake, keep).mean()
    return found


def _move(accelerator: Any, optimiser: Any, network: nn.Module, loss: Any) -> None:
    optimiser.zero_grad()
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()


def _resume(chosen: InfillerTraining, accelerator: Any, players: _Players) -> int:
    """The step that a run in this folder has come to."""
    last = chosen.out / "checkpoint"
    if not last.is_dir():
        return 0
    manifest = json.loads((last / "run.json").read_text(encoding="utf-8"))
    check_same(manifest["settings"], chosen, ("batch", "size", "keep", "seed"))
    accelerator.load_state(str(last))
    return int(manifest["step"])


def _save(chosen: InfillerTraining, accelerator: Any, players: _Players, step: int) -> None:
    """A checkpoint and the weights, each complete before it takes the place of the last."""
    new, last = chosen.out / "checkpoint.new", chosen.out / "checkpoint"
    accelerator.wait_for_everyone()
    accelerator.save_state(str(new), safe_serialization=False)
    if not accelerator.is_main_process:
        return
    from safetensors.torch import save_file

    run = json.dumps({"step": step, "settings": plain(chosen)}, indent=2)
    (new / "run.json").write_text(run, encoding="utf-8")
    shutil.rmtree(last, ignore_errors=True)
    new.rename(last)
    weights = {k: v.half().cpu().contiguous() for k, v in players.mean.module.state_dict().items()}
    part = chosen.out / "painter.part"
    save_file(weights, part, {"run": run})
    part.rename(chosen.out / "painter.safetensors")
