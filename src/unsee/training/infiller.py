"""Training of our in-filling generator: reconstruction, perception and a critic of patches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unsee.errors import InputError
from unsee.networks.critic import Critic
from unsee.networks.painter import Painter, load_painter
from unsee.networks.perceptual import Perceptual
from unsee.training import holes, trainer
from unsee.training.crops import Holed
from unsee.training.photos import Labelled
from unsee.training.preview import grid
from unsee.training.task import Batch, Game, Training

CLIP = 1.0
"""Of the norm of a step's gradient."""
WARM = 500
"""Steps until the rate is full; it falls to zero over the last three quarters."""
SMALLEST, SEEN, WINDOW = 16, 64, 48
"""Pixels a side, of the generator, of the perceptual trunk and of its window."""
SELDOM = 4
"""Steps between those that look at the variety of guesses, which guess twice."""
MOST = 0.2
"""Difference between guesses, over that of their noise, that is rewarded."""


@dataclass(frozen=True)
class InfillerTraining(Training):
    """Train the generator that removes evidence (extra: train).

    A run goes on from where its folder left off; the n-th step is the same whenever it is made.
    """

    out: Path = Path("unsee-infiller")
    """Folder for checkpoints, weights, pictures and the log; a run in it is continued."""
    steps: int = 60_000
    """Steps in all."""
    batch: int = 64
    """Photos per step, of all processes together."""
    size: int = 128
    """Side of the crops in pixels."""
    keep: int = 160
    """Side at which photos are kept in memory."""
    save_every: int = 1_000
    """Steps between checkpoints, with a picture and a look at held-out photos."""
    rate: float = 3e-4
    """AdamW's rate for the generator."""
    critic_rate: float = 3e-4
    """For the critic."""
    l1: float = 4.0
    """Weight of the mean absolute difference."""
    guess: float = 2.0
    """The same for the first guess, over which patches are laid; it learns nothing else."""
    perceptual: float = 2.0
    """Weight of the difference of the trunk's layers; 0 needs no weights."""
    window: int = 0
    """Side of a random window of the crops that the trunk looks at; 0 is all of them."""
    adversarial: float = 0.1
    """Weight of the critic, from the step `critic_from` on."""
    critic_from: int = 2_000
    """The first step of the critic."""
    variety: float = 0.05
    """Reward for guesses that differ with the noise."""
    ema: float = 0.999
    """Decay of the running mean of the weights, which is what is used."""
    trunk: Path | None = None
    """vgg_shift_tolerant.pth or alex_shift_tolerant.pth of the PyPI package stlpips-pytorch."""
    start: Path | None = None
    """Weights of a generator to begin from."""


def train(chosen: InfillerTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    yield from trainer.run(chosen, InfillerGame)


class InfillerGame(Game):
    """The generator and its critic."""

    file: ClassVar[str] = "painter.safetensors"
    fixed: ClassVar[tuple[str, ...]] = (*Game.fixed, "size", "perceptual", "trunk", "window")
    early: ClassVar[bool] = False

    def __init__(self, chosen: InfillerTraining, accelerator: Any) -> None:
        self.chosen, self.accelerator = chosen, accelerator
        least = SEEN if chosen.perceptual else SMALLEST
        if not least <= chosen.size <= chosen.keep:
            raise InputError(
                f"expected {least} <= size <= keep, got size {chosen.size}, keep {chosen.keep}"
            )
        if chosen.window and not WINDOW <= chosen.window <= chosen.size:
            raise InputError(f"expected {WINDOW} <= window <= size or 0, got {chosen.window}")
        torch.manual_seed(chosen.seed)
        painter, critic = Painter(), Critic()
        if chosen.start:
            painter = load_painter(chosen.start).train().requires_grad_(True)
        self.painter, self.critic = painter.to(accelerator.device), critic.to(accelerator.device)
        self.mean = AveragedModel(self.painter, multi_avg_fn=get_ema_multi_avg_fn(chosen.ema))
        betas = (0.5, 0.99)
        paint = torch.optim.AdamW(painter.parameters(), chosen.rate, betas, weight_decay=1e-4)
        judge = torch.optim.AdamW(critic.parameters(), chosen.critic_rate, betas, weight_decay=0)
        self.paint, self.judge = map(accelerator.prepare_optimizer, (paint, judge))
        self.perceptual: Perceptual | None = None
        if chosen.perceptual:
            if chosen.trunk is None:
                raise InputError(
                    "perceptual > 0 needs trunk, the path of vgg_shift_tolerant.pth or "
                    "alex_shift_tolerant.pth"
                )
            self.perceptual = Perceptual.load(chosen.trunk).to(accelerator.device)

    @property
    def size(self) -> int:
        """As it was asked for."""
        return self.chosen.size

    def crops(self, photos: Labelled, seed: int) -> Holed:
        """From the pixels as they are to whole photos, with holes."""
        return Holed(photos.pictures, self.size, seed, least=self.size / self.chosen.keep)

    def states(self) -> dict[str, Any]:
        """Both players, the mean and the optimisers."""
        return {
            "painter": self.painter,
            "critic": self.critic,
            "mean": self.mean,
            "paint": self.paint,
            "judge": self.judge,
        }

    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """The critic's move, then the generator's."""
        chosen = self.chosen
        rate = min(1.0, (step + 1) / WARM) * min(1.0, (1 - step / chosen.steps) / 0.75)
        for optimiser, full in ((self.paint, chosen.rate), (self.judge, chosen.critic_rate)):
            for group in optimiser.param_groups:
                group["lr"] = full * rate
        x, keep = _apart(batch.pixels)
        noise, others = self._noise(step, batch)
        with self.accelerator.autocast():
            fake, guess = self.painter(x, keep, noise, with_guess=True).chunk(2)
        losses = {}
        if step >= chosen.critic_from:
            losses["critic"] = self._judge(x, keep, fake.detach())
        with self.accelerator.autocast():
            losses |= self._shortcomings(step, x, keep, fake)
            losses["guess"] = _off(guess, x, keep)
            if chosen.variety and step % SELDOM == 0:
                changed = (self.painter.guess(x, keep, others) - guess).abs().mean((1, 2, 3))
                apart = (noise - others).abs().mean(1) + 0.1
                losses["variety"] = (changed / apart).clamp(max=MOST).mean()
            weights = {"variety": -chosen.variety, "critic": 0.0}
            total = sum(weights.get(k, getattr(chosen, k, 0.0)) * v for k, v in losses.items())
        trainer.descend(self.accelerator, self.paint, self.painter, total, CLIP)
        self.mean.update_parameters(self.painter)
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def shortcoming(self, batch: Batch) -> float:
        """Perceptual distance of held-out photos, or L1, always with the same holes."""
        total, keep = 0.0, self._holes(len(batch.pixels), batch.pixels)
        together = self.chosen.batch
        for x, visible in zip(batch.pixels.split(together), keep.split(together), strict=True):
            fake = self.mean.module(x, visible).clamp(0, 1)
            off = (fake - x).abs().mean((1, 2, 3))
            total += (self.perceptual.distance(fake, x) if self.perceptual else off).sum().item()
        return total / len(batch.pixels)

    def show(self, few: Batch, path: Path) -> None:
        """What is known, answers, the truth."""
        keep = self._holes(len(few.pixels), few.pixels)
        grid(self.mean.module, few.pixels, keep, path.with_suffix(".jpg"))

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The mean's, in half precision."""
        state = self.mean.module.state_dict()
        return {k: v.half().cpu().contiguous() for k, v in state.items()}, {}

    def _holes(self, count: int, like: Tensor) -> Tensor:
        g = torch.Generator().manual_seed(self.chosen.seed)
        return holes.draw(count, (self.size, self.size), g).to(like)

    def _noise(self, step: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """Each photo's own, and another's; half of them get none, the middle answer."""
        g = torch.Generator().manual_seed(self.chosen.seed * 31 + step * 101)
        noise = torch.randn(batch.total, self.painter.noise, generator=g)
        noise = noise * (torch.rand(batch.total, 1, generator=g) < 0.5)
        own, others = batch.own(noise), batch.own(noise.flip(0))
        return own.to(batch.pixels), others.to(batch.pixels)

    def _window(self, step: int, *pictures: Tensor) -> list[Tensor]:
        """The same part of all of them, another one in each step."""
        side = self.chosen.window or self.size
        g = torch.Generator().manual_seed(self.chosen.seed * 37 + step * 103)
        top, left = torch.randint(self.size - side + 1, (2,), generator=g).tolist()
        return [x[..., top : top + side, left : left + side] for x in pictures]

    def _judge(self, x: Tensor, keep: Tensor, fake: Tensor) -> Tensor:
        """The critic's hinge loss, and its move."""
        self.critic.requires_grad_(True)
        with self.accelerator.autocast():
            real_side = (1 - self.critic(x, keep)).relu().mean()
            loss: Tensor = real_side + (1 + self.critic(fake, keep)).relu().mean()
        trainer.descend(self.accelerator, self.judge, self.critic, loss, CLIP)
        return loss.detach()

    def _shortcomings(self, step: int, x: Tensor, keep: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """What is wrong with an answer: pixels, layers of the trunk, the critic's opinion."""
        found = {"l1": _off(fake, x, keep)}
        if self.perceptual is not None:
            found["perceptual"] = self.perceptual(*self._window(step, fake, x)).mean()
        if step >= self.chosen.critic_from:
            self.critic.requires_grad_(False)
            found["adversarial"] = -self.critic(fake, keep).mean()
        return found


def _off(fake: Tensor, x: Tensor, keep: Tensor) -> Tensor:
    """Mean absolute difference, of small holes too."""
    missing = (1 - keep).mean((1, 2, 3)).clamp(min=0.02)
    return ((fake - x).abs().mean((1, 2, 3)) / missing.sqrt()).mean()


def _apart(both: Tensor) -> tuple[Tensor, Tensor]:
    """Photos and what is visible of them."""
    x = both[:, :3].contiguous(memory_format=torch.channels_last)
    return x, both[:, 3:]
