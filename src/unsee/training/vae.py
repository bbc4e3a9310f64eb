"""Training of FIDO's completion autoencoder: reconstruction and divergence from a normal prior."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from unsee.errors import InputError
from unsee.networks import weights as files
from unsee.networks.completion import STRIDE, CompletionVAE
from unsee.networks.reading import read
from unsee.training import trainer
from unsee.training.descent import cosine_rate, descend, set_rate
from unsee.training.hole_task import HoleTask, split_channels
from unsee.training.infiller_losses import hole_error
from unsee.training.preview import save_grid
from unsee.training.task import Batch, Training

MAX_GRADIENT_NORM = 1.0
"""Norm to which gradients are clipped."""
NUMBERS = 3
"""Colour values of a pixel; the divergence is divided by all of a picture."""


@dataclass(frozen=True)
class VAETraining(Training):
    """Train the autoencoder of the in-filler `vae` (Chang et al., ICLR 2019; extra: train).

    The loss is the reconstruction error of missing pixels, from a sample of the code, plus `kl`
    times the divergence of the code from a standard normal, per colour value:
    `E[|x - decode(z)|] + kl * KL(q(z | visible) || N(0, 1)) / (3 h w)`
    (Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014,
    https://arxiv.org/abs/1312.6114).
    """

    out: Path = Path("unsee-vae")
    """Folder of the run: checkpoint, weights, previews and log. An existing run is resumed."""
    size: int = 128
    """Side of the crops in pixels, a multiple of 4."""
    stored_size: int = 160
    """Side, in pixels, at which photos are held in memory."""
    width: int = 64
    """Channels of the first layer; FIDO's network has 64."""
    latent: int = 64
    """Numbers of the code at each place, one in 4 x 4 pixels."""
    kl: float = 0.01
    """Weight of the divergence. The larger it is, the less a code says about its surroundings."""
    rate: float = 3e-4
    """Learning rate (Adam), which falls to zero along a cosine."""
    start: Path | None = None
    """Path of initial weights; default: random weights."""

    def check_sizes(self) -> None:
        """Raise `InputError` for crops that do not fit the photos or the network."""
        if self.size % STRIDE or not 16 <= self.size <= self.stored_size:
            raise InputError(
                f"expected a size in 16 to stored_size, a multiple of {STRIDE}, got {self.size} "
                f"and stored_size {self.stored_size}"
            )


def train(config: VAETraining) -> Generator[dict[str, float], None, None]:
    """Train the autoencoder; yield the losses of each step. See `trainer.run`."""
    yield from trainer.run(config, VAETask)


class VAETask(HoleTask):
    """The autoencoder and its optimiser."""

    weights_file: ClassVar[str] = "completion_vae.safetensors"

    def __init__(self, config: VAETraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        config.check_sizes()
        torch.manual_seed(config.seed)
        network = CompletionVAE(config.width, config.latent)
        if config.start:
            files.load_into(network, read(config.start), config.start)
            network.train().requires_grad_(True)
        self.network: CompletionVAE = network.to(accelerator.device)
        adam = torch.optim.Adam(self.network.parameters(), config.rate)
        self.optimizer = accelerator.prepare_optimizer(adam)

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return self.config.size

    @property
    def settings(self) -> VAETraining:
        """Settings of the training."""
        return self.config

    def state(self) -> dict[str, Any]:
        """Return the network and its optimiser."""
        return {"network": self.network, "adam": self.optimizer}

    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Make one step on the reconstruction and the divergence."""
        set_rate(self.optimizer, cosine_rate(self.config.rate, step / self.config.steps))
        x, keep = split_channels(batch.pixels)
        noise = batch.local_rows(self._noise(step, batch.total)).to(x)
        with self.accelerator.autocast():
            losses = self._losses(x, keep, noise)
            total = losses["reconstruction"] + self.config.kl * losses["divergence"]
        descend(self.accelerator, self.optimizer, self.network, total, MAX_GRADIENT_NORM)
        return {name: float(value.detach()) for name, value in losses.items()}

    @torch.no_grad()
    def validation_loss(self, batch: Batch) -> float:
        """Return the same loss for the mean code, always for the same holes."""
        losses = self._losses(batch.pixels, self.validation_holes(batch.pixels), None)
        return float(losses["reconstruction"] + self.config.kl * losses["divergence"])

    def draw_preview(self, batch: Batch, path: Path) -> None:
        """Draw visible pixels, two samples and originals, as JPEG."""
        keep = self.validation_holes(batch.pixels)
        save_grid(self.network, batch.pixels, keep, path.with_suffix(".jpg"))

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the network; the in-filler reads its sizes from the tensors."""
        state = self.network.state_dict()
        return {k: v.half().cpu().contiguous() for k, v in state.items()}, {}

    def _losses(self, x: Tensor, keep: Tensor, noise: Tensor | None) -> dict[str, Tensor]:
        """Return the two parts of the loss, for a sample of the code or for its mean."""
        mean, log_variance = self.network.encode(x, keep)
        code = mean if noise is None else mean + (log_variance / 2).exp() * noise
        result = torch.where(keep > 0, x, self.network.decode(code).to(x))
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance) / 2
        values = NUMBERS * x.shape[-2] * x.shape[-1]
        return {
            "reconstruction": hole_error(result, x, keep),
            "divergence": divergence.sum((1, 2, 3)).mean() / values,
        }

    def _noise(self, step: int, count: int) -> Tensor:
        """Return the noise of the codes of all photos of a step."""
        g = torch.Generator().manual_seed(self.config.seed * 31 + step * 101)
        side = self.size // STRIDE
        return torch.randn(count, self.config.latent, side, side, generator=g)
