"""Training of the in-filling network: reconstruction, perceptual and adversarial losses."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unsee.errors import InputError
from unsee.networks import weights as files
from unsee.networks.critic import Critic, FeatureCritic, Scores, missing_mean
from unsee.networks.painter import SIZES, Painter, load_painter
from unsee.networks.perceptual import Perceptual
from unsee.networks.reading import read
from unsee.training import trainer
from unsee.training.descent import descend, set_rate
from unsee.training.hole_task import HoleTask, split_channels
from unsee.training.infiller_losses import Views, hole_error, missing_root, variety
from unsee.training.preview import save_grid
from unsee.training.task import Batch, Training

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
"""Number of steps between those with the reward for variety, which need a second result."""


@dataclass(frozen=True)
class InfillerTraining(Training):
    """Train the network of the in-fillers `painter` and `painter_small` (ours; extra: train)."""

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
    """Learning rate of the critics (AdamW)."""
    network: Literal["small", "large"] = "large"
    """Size of the network: that of the in-filler `painter_small` or `painter`."""
    l1: float = 30.0
    """Weight of the mean absolute error, which is lower where few visible pixels are near."""
    perceptual: float = 1.0
    """Weight of the perceptual distance (ST-LPIPS); 0 needs no `trunk`."""
    window: int | None = None
    """Side, in pixels, of a random window on which features of the perceptual network are
    computed; default: the whole crop."""
    adversarial: float = 0.7
    """Weight of the critics' mean score, from step `critic_from` on: one critic of pixels and, with
    the perceptual network, one of each of its feature maps."""
    critic_from: int = 500
    """First step of the critics."""
    variety: float = 0.15
    """Weight of the reward for results that differ with the noise."""
    ema: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is saved."""
    trunk: Path | None = None
    """Path of vgg_shift_tolerant.pth or alex_shift_tolerant.pth of the PyPI package
    stlpips-pytorch."""
    start: Path | None = None
    """Path of initial weights; default: random weights."""
    teacher: Path | None = None
    """Path of weights whose results are the target in place of the photos, for the same noise: a
    smaller network learns to do the same. Use it with `adversarial = 0` and `variety = 0`."""

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


class InfillerTask(HoleTask):
    """The in-filling network (painter), its moving average and the critics."""

    weights_file: ClassVar[str] = "painter.safetensors"
    keeps_best: ClassVar[bool] = False

    def __init__(self, config: InfillerTraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        config.check_sizes()
        torch.manual_seed(config.seed)
        painter = Painter(SIZES[config.network])
        if config.start:
            _load_weights(painter, config.start)
        self.perceptual: Perceptual | None = None
        critics: dict[str, torch.nn.Module] = {"pixels": Critic()}
        if config.perceptual:
            if config.trunk is None:
                raise InputError(
                    "perceptual > 0 needs {trunk}, vgg_shift_tolerant.pth or "
                    "alex_shift_tolerant.pth",
                    trunk="PATH",
                )
            self.perceptual = Perceptual.load(config.trunk).to(accelerator.device)
            critics["features"] = FeatureCritic(self.perceptual.widths)
        self.teacher = (
            load_painter(config.teacher).to(accelerator.device) if config.teacher else None
        )
        self.painter: Painter = painter.to(accelerator.device)
        self.critic = torch.nn.ModuleDict(critics).to(accelerator.device)
        self.average = AveragedModel(self.painter, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
        self.painter_optimizer = self._adam(self.painter, config.rate, 1e-4)
        self.critic_optimizer = self._adam(self.critic, config.critic_rate, 0)

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return self.config.size

    @property
    def settings(self) -> InfillerTraining:
        """Settings of the training."""
        return self.config

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
        """Train the critics, then the in-filling network."""
        config = self.config
        set_rate(self.painter_optimizer, config.rate * config.rate_factor(step))
        set_rate(self.critic_optimizer, config.critic_rate * config.rate_factor(step))
        x, keep = split_channels(batch.pixels)
        noise = self._noise(step, batch.total)
        own, other = (batch.local_rows(part).to(x) for part in (noise, noise.roll(1, 0)))
        with self.accelerator.autocast():
            target = x if self.teacher is None else self._taught(x, keep, own)
            result = self.painter.at_one_size(x, keep, own)
            real, fake = self._views(step, target, keep, result.clamp(0, 1))
        losses = {}
        if self._has_critics(step):
            losses["critic"] = self._critic_step(real, fake)
        with self.accelerator.autocast():
            # of the unclamped result: pulls values back into [0, 1]
            losses["l1"] = hole_error(result, target, keep, evenly=self.teacher is not None)
            losses |= self._view_losses(step, keep, fake, real)
            if config.variety and step % VARIETY_INTERVAL == 0:
                losses["variety"] = variety(result, self.painter.at_one_size(x, keep, other), keep)
            total = self._total(losses)
        descend(self.accelerator, self.painter_optimizer, self.painter, total, MAX_GRADIENT_NORM)
        self.average.update_parameters(self.painter)
        names = list(losses)
        values = torch.stack([losses[name].detach().float() for name in names]).tolist()
        return dict(zip(names, values, strict=True))

    @torch.no_grad()
    def validation_loss(self, batch: Batch) -> float:
        """Return the mean perceptual distance, or absolute error, always for the same holes."""
        total, size = 0.0, self.config.batch
        keep, noise = self.validation_holes(batch.pixels), self._noise(0, len(batch.pixels))
        parts = (part.split(size) for part in (batch.pixels, keep, noise.to(batch.pixels)))
        for x, visible, z in zip(*parts, strict=True):
            result = self.average.module(x, visible, z).clamp(0, 1)
            error = (result - x).abs().mean((1, 2, 3))
            losses = self.perceptual.distance(result, x) if self.perceptual else error
            total += losses.sum().item()
        return total / len(batch.pixels)

    def draw_preview(self, batch: Batch, path: Path) -> None:
        """Draw visible pixels, results and originals, as JPEG."""
        keep = self.validation_holes(batch.pixels)
        save_grid(self.average.module, batch.pixels, keep, path.with_suffix(".jpg"))

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the moving average of the in-filling network."""
        state = self.average.module.state_dict()
        return {k: v.half().cpu().contiguous() for k, v in state.items()}, {}

    def _adam(self, network: torch.nn.Module, rate: float, weight_decay: float) -> Any:
        adam = torch.optim.AdamW(network.parameters(), rate, ADAM_BETAS, weight_decay=weight_decay)
        return self.accelerator.prepare_optimizer(adam)

    def _noise(self, step: int, count: int) -> Tensor:
        """Return the noise of all photos of a step."""
        g = torch.Generator().manual_seed(self.config.seed * 31 + step * 101)
        return torch.randn(count, *self.painter.noise_shape((self.size, self.size)), generator=g)

    def _has_critics(self, step: int) -> bool:
        """Return whether the critics take part in a step."""
        return self.config.adversarial > 0 and step >= self.config.critic_from

    @torch.no_grad()
    def _taught(self, x: Tensor, keep: Tensor, noise: Tensor) -> Tensor:
        """Return the results of the teacher."""
        result: Tensor = self.teacher.at_one_size(x, keep, noise)  # type: ignore[union-attr]
        return result.clamp(0, 1)

    def _views(self, step: int, x: Tensor, keep: Tensor, result: Tensor) -> tuple[Views, Views]:
        """Return what the critics see of the photos, and of the results."""
        if self.perceptual is None:
            return Views(x, keep, [], keep), Views(result, keep, [], keep)
        side = self.config.window or self.size
        g = torch.Generator().manual_seed(self.config.seed * 37 + step * 103)
        top, left = torch.randint(self.size - side + 1, (2,), generator=g).tolist()
        photo, filled, seen = (
            part[..., top : top + side, left : left + side] for part in (x, result, keep)
        )
        with torch.no_grad():
            features = self.perceptual.features(photo)
        own = self.perceptual.features(filled)
        return Views(x, keep, features, seen), Views(result, keep, own, seen)

    def _scores(self, views: Views) -> list[tuple[Scores, Tensor]]:
        """Return the scores of all critics, each with the mask of what it saw."""
        scores = [(self.critic["pixels"](views.pictures, views.keep), views.keep)]
        if views.features:
            maps = self.critic["features"](views.features, views.seen)
            scores += [(score, views.seen) for score in maps]
        return scores

    def _critic_step(self, real: Views, fake: Views) -> Tensor:
        """Train the critics by their logistic losses, and return the mean loss."""
        self.critic.requires_grad_(True)
        with self.accelerator.autocast():
            errors = [missing_mean(F.softplus(-s), keep) for s, keep in self._scores(real)]
            errors += [missing_mean(F.softplus(s), keep) for s, keep in self._scores(fake.detach())]
            loss = 2 * torch.stack(errors).mean()
        descend(self.accelerator, self.critic_optimizer, self.critic, loss, MAX_GRADIENT_NORM)
        return loss.detach()

    def _view_losses(self, step: int, keep: Tensor, fake: Views, real: Views) -> dict[str, Tensor]:
        """Return the perceptual distance of the results, and the critics' scores."""
        losses = {}
        if self.perceptual is not None:
            distance = self.perceptual.feature_distance(fake.features, real.features)
            losses["perceptual"] = (distance / missing_root(keep)).mean()
        if self._has_critics(step):
            self.critic.requires_grad_(False)
            scores = [missing_mean(F.softplus(-s), seen) for s, seen in self._scores(fake)]
            losses["adversarial"] = torch.stack(scores).mean()
        return losses

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the in-filling network's losses."""
        weights = vars(self.config) | {"variety": -self.config.variety}  # a reward
        total: Tensor = sum(weights[name] * v for name, v in losses.items() if name != "critic")
        return total


def _load_weights(painter: Painter, path: Path) -> None:
    """Load weights to continue from, with gradients enabled; those of a U-net alone are enough."""
    copies = {k: v for k, v in painter.state_dict().items() if k.startswith("refinement.")}
    files.load_into(painter, copies | read(path), path)
    painter.train().requires_grad_(True)
