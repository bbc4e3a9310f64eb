"""Training of the in-filling network: reconstruction, perceptual and adversarial losses."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unsee.errors import InputError
from unsee.networks import weights as files
from unsee.networks.critic import Critic
from unsee.networks.painter import Painter
from unsee.networks.perceptual import Perceptual
from unsee.networks.reading import read
from unsee.training import holes, trainer
from unsee.training.crops import CropsWithHoles
from unsee.training.descent import descend, set_rate
from unsee.training.photos import PhotoSet
from unsee.training.preview import save_grid
from unsee.training.task import Batch, Training, TrainingTask

MAX_GRADIENT_NORM = 1.0
"""Norm to which gradients are clipped."""
ADAM_BETAS = (0.5, 0.99)
"""Betas of both optimisers."""
WARM_UP_STEPS = 500
"""Number of steps until the learning rates are full."""
DECAY_SHARE = 0.75
"""Share of the steps, the last ones, over which the learning rates fall to zero."""
MIN_SIZE, MIN_PERCEPTUAL_SIZE, MIN_WINDOW = 16, 64, 48
"""Smallest side in pixels: of crops, of crops with the perceptual loss, and of its window."""
VARIETY_INTERVAL = 4
"""Number of steps between those with the reward for variety, which need a second guess."""
MAX_VARIETY = 0.2
"""Largest rewarded difference of two guesses, divided by the difference of their noise."""
MIN_NOISE_DIFFERENCE = 0.1
"""Value added to the difference of two noise vectors before the division."""
MIN_HOLE_SHARE = 0.02
"""Smallest share of missing pixels by which a reconstruction error is divided."""


@dataclass(frozen=True)
class InfillerTraining(Training):
    """Train the network of the in-filler `painter` (ours; extra: train)."""

    out: Path = Path("unsee-infiller")
    """Folder of the run: checkpoint, weights, previews and log. An existing run is resumed."""
    steps: int = 60_000
    """Number of training steps."""
    batch: int = 64
    """Number of photos per step, summed over all processes."""
    size: int = 128
    """Side of the crops in pixels."""
    stored_size: int = 160
    """Side, in pixels, at which photos are held in memory."""
    save_every: int = 1_000
    """Number of steps between checkpoints; each comes with a validation loss and a preview."""
    rate: float = 3e-4
    """Learning rate of the in-filling network (AdamW)."""
    critic_rate: float = 3e-4
    """Learning rate of the critic (AdamW)."""
    l1: float = 4.0
    """Weight of the mean absolute error of the result."""
    guess: float = 2.0
    """Weight of the mean absolute error of the first guess, over which patches are copied. The
    guess has no other loss."""
    perceptual: float = 2.0
    """Weight of the perceptual distance (ST-LPIPS); 0 needs no `trunk`."""
    window: int | None = None
    """Side, in pixels, of a random window on which the perceptual distance is computed; default:
    the whole crop."""
    adversarial: float = 0.1
    """Weight of the critic's score, from step `critic_from` on."""
    critic_from: int = 2_000
    """First step of the critic."""
    variety: float = 0.05
    """Weight of the reward for guesses that differ with the noise."""
    ema: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is saved."""
    trunk: Path | None = None
    """Path of vgg_shift_tolerant.pth or alex_shift_tolerant.pth of the PyPI package
    stlpips-pytorch."""
    start: Path | None = None
    """Path of initial weights; default: random weights."""

    def check_sizes(self) -> None:
        """Raise `InputError` for crops, photos or windows whose sizes do not fit together."""
        smallest = MIN_PERCEPTUAL_SIZE if self.perceptual else MIN_SIZE
        if not smallest <= self.size <= self.stored_size:
            raise InputError(
                f"expected {smallest} <= size <= stored_size, got size {self.size} and stored_size "
                f"{self.stored_size}"
            )
        if self.window is not None and not MIN_WINDOW <= self.window <= self.size:
            raise InputError(f"expected {MIN_WINDOW} <= window <= size, got {self.window}")

    def rate_factor(self, step: int) -> float:
        """Return the factor of both learning rates in a step."""
        return min(1.0, (step + 1) / WARM_UP_STEPS) * min(
            1.0, (1 - step / self.steps) / DECAY_SHARE
        )


def train(config: InfillerTraining) -> Generator[dict[str, float], None, None]:
    """Train the in-filling network; yield the losses of each step. See `trainer.run`."""
    yield from trainer.run(config, InfillerTask)


class InfillerTask(TrainingTask):
    """The in-filling network (painter), its moving average and the critic."""

    weights_file: ClassVar[str] = "painter.safetensors"
    keeps_best: ClassVar[bool] = False

    def __init__(self, config: InfillerTraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        config.check_sizes()
        torch.manual_seed(config.seed)
        painter, critic = Painter(), Critic()
        if config.start:
            _load_weights(painter, config.start)
        self.painter, self.critic = painter.to(accelerator.device), critic.to(accelerator.device)
        self.average = AveragedModel(self.painter, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
        self.painter_optimizer = self._adam(self.painter, config.rate, 1e-4)
        self.critic_optimizer = self._adam(self.critic, config.critic_rate, 0)
        self.perceptual: Perceptual | None = None
        if config.perceptual:
            if config.trunk is None:
                raise InputError(
                    "perceptual > 0 needs {trunk}, vgg_shift_tolerant.pth or "
                    "alex_shift_tolerant.pth",
                    trunk="PATH",
                )
            self.perceptual = Perceptual.load(config.trunk).to(accelerator.device)

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return self.config.size

    def crops(self, photos: PhotoSet, seed: int) -> CropsWithHoles:
        """Return crops with holes, from pixels at their stored size up to whole photos."""
        min_side = self.size / self.config.stored_size
        return CropsWithHoles(photos.pictures, self.size, seed, min_side)

    def state(self) -> dict[str, Any]:
        """Return both networks, the moving average and the optimisers."""
        return {
            "painter": self.painter,
            "critic": self.critic,
            "mean": self.average,
            "paint": self.painter_optimizer,
            "judge": self.critic_optimizer,
        }

    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Train the critic, then the in-filling network."""
        config = self.config
        set_rate(self.painter_optimizer, config.rate * config.rate_factor(step))
        set_rate(self.critic_optimizer, config.critic_rate * config.rate_factor(step))
        x, keep = _split_channels(batch.pixels)
        noise, other_noise = self._noise(step, batch)
        with self.accelerator.autocast():
            result, guess = self.painter(x, keep, noise, with_guess=True).chunk(2)
        losses = {}
        if step >= config.critic_from:
            losses["critic"] = self._critic_step(x, keep, result.detach())
        with self.accelerator.autocast():
            losses |= self._result_losses(step, x, keep, result)
            losses["guess"] = hole_error(guess, x, keep)
            if config.variety and step % VARIETY_INTERVAL == 0:
                other = self.painter.guess(x, keep, other_noise)
                losses["variety"] = _variety(guess, other, noise, other_noise)
            total = self._total(losses)
        descend(self.accelerator, self.painter_optimizer, self.painter, total, MAX_GRADIENT_NORM)
        self.average.update_parameters(self.painter)
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def validation_loss(self, batch: Batch) -> float:
        """Return the mean perceptual distance, or absolute error, always for the same holes."""
        total, keep = 0.0, self._validation_holes(batch.pixels)
        size = self.config.batch
        for x, visible in zip(batch.pixels.split(size), keep.split(size), strict=True):
            result = self.average.module(x, visible).clamp(0, 1)
            error = (result - x).abs().mean((1, 2, 3))
            losses = self.perceptual.distance(result, x) if self.perceptual else error
            total += losses.sum().item()
        return total / len(batch.pixels)

    def draw_preview(self, batch: Batch, path: Path) -> None:
        """Draw visible pixels, results and originals, as JPEG."""
        keep = self._validation_holes(batch.pixels)
        save_grid(self.average.module, batch.pixels, keep, path.with_suffix(".jpg"))

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the moving average of the in-filling network."""
        state = self.average.module.state_dict()
        return {k: v.half().cpu().contiguous() for k, v in state.items()}, {}

    def _adam(self, network: torch.nn.Module, rate: float, weight_decay: float) -> Any:
        adam = torch.optim.AdamW(network.parameters(), rate, ADAM_BETAS, weight_decay=weight_decay)
        return self.accelerator.prepare_optimizer(adam)

    def _validation_holes(self, pixels: Tensor) -> Tensor:
        """Return one hole mask per photo; the same in every call."""
        g = torch.Generator().manual_seed(self.config.seed)
        return holes.draw(len(pixels), (self.size, self.size), g).to(pixels)

    def _noise(self, step: int, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return two noise vectors per photo: its own, and that of another photo of the step.

        Half of the vectors are zero, which stands for the result without noise.
        """
        g = torch.Generator().manual_seed(self.config.seed * 31 + step * 101)
        noise = torch.randn(batch.total, self.painter.noise, generator=g)
        noise = noise * (torch.rand(batch.total, 1, generator=g) < 0.5)
        noise, other_noise = batch.local_rows(noise), batch.local_rows(noise.flip(0))
        return noise.to(batch.pixels), other_noise.to(batch.pixels)

    def _window(self, step: int, *pictures: Tensor) -> list[Tensor]:
        """Return the same random window of all pictures; another one in each step."""
        side = self.config.window or self.size
        g = torch.Generator().manual_seed(self.config.seed * 37 + step * 103)
        top, left = torch.randint(self.size - side + 1, (2,), generator=g).tolist()
        return [x[..., top : top + side, left : left + side] for x in pictures]

    def _critic_step(self, x: Tensor, keep: Tensor, result: Tensor) -> Tensor:
        """Train the critic by its hinge loss, and return the loss."""
        self.critic.requires_grad_(True)
        with self.accelerator.autocast():
            real_loss = (1 - self.critic(x, keep)).relu().mean()
            loss: Tensor = real_loss + (1 + self.critic(result, keep)).relu().mean()
        descend(self.accelerator, self.critic_optimizer, self.critic, loss, MAX_GRADIENT_NORM)
        return loss.detach()

    def _result_losses(
        self, step: int, x: Tensor, keep: Tensor, result: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses of results: absolute error, perceptual distance, critic's score."""
        losses = {"l1": hole_error(result, x, keep)}
        if self.perceptual is not None:
            losses["perceptual"] = self.perceptual(*self._window(step, result, x)).mean()
        if step >= self.config.critic_from:
            self.critic.requires_grad_(False)
            losses["adversarial"] = -self.critic(result, keep).mean()
        return losses

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the in-filling network's losses."""
        config = self.config
        weights = {
            "l1": config.l1,
            "perceptual": config.perceptual,
            "adversarial": config.adversarial,
            "guess": config.guess,
            "variety": -config.variety,
        }
        total: Tensor = sum(w * losses[name] for name, w in weights.items() if name in losses)  # type: ignore[assignment]
        return total


def hole_error(result: Tensor, x: Tensor, keep: Tensor) -> Tensor:
    """Return the mean absolute error over the square root of the missing share.

    The root keeps small holes from being ignored and large ones from dominating.
    """
    missing = (1 - keep).mean((1, 2, 3)).clamp(min=MIN_HOLE_SHARE)
    return ((result - x).abs().mean((1, 2, 3)) / missing.sqrt()).mean()


def _variety(guess: Tensor, other: Tensor, noise: Tensor, other_noise: Tensor) -> Tensor:
    """Return the difference of two guesses relative to that of their noise, up to MAX_VARIETY."""
    difference = (other - guess).abs().mean((1, 2, 3))
    noise_difference = (noise - other_noise).abs().mean(1) + MIN_NOISE_DIFFERENCE
    return (difference / noise_difference).clamp(max=MAX_VARIETY).mean()


def _split_channels(crops: Tensor) -> tuple[Tensor, Tensor]:
    """Return the photos and the hole masks of crops (n, 4, h, w)."""
    x = crops[:, :3].contiguous(memory_format=torch.channels_last)
    return x, crops[:, 3:]


def _load_weights(painter: Painter, path: Path) -> None:
    """Load weights to continue from, with gradients enabled."""
    files.load_into(painter, read(path), path)
    painter.train().requires_grad_(True)
