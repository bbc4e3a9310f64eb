"""Training of variational saliency: a Gaussian over maps whose top pixels keep the prediction."""

import json
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import Logits, probability
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.networks.gaussian_decoder import GaussianDecoder
from unsee.networks.mixture import MAX_LOG_VARIANCE, Mixture
from unsee.networks.stages import FeatureExtractor
from unsee.networks.variational_encoder import PUBLISHED_WIDTHS, VariationalEncoder
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.training import mask_task, trainer
from unsee.training.descent import cosine_rate, descend, set_rate
from unsee.training.mask_task import MaskTask, MaskTraining
from unsee.training.soft_tv_prior import SoftTV
from unsee.training.task import Batch
from unsee.training.top_share import spread_shares, top_share_mask, uniform_shares
from unsee.types import Images

Encoder = VariationalEncoder | GaussianDecoder
MAX_GRADIENT_NORM = 10.0
"""Norm to which gradients are clipped."""
MAX_INITIAL_TANH = 0.95
"""Largest tanh of an initial bias of the log variances, beyond which its gradient vanishes."""


@dataclass(frozen=True)
class VariationalTraining(MaskTraining):
    """Train an encoder of a Gaussian over maps (variational saliency, Kim et al.; extra: train).

    A map is drawn from the Gaussian and its highest share of pixels is kept by a soft top-k. The
    prediction for these pixels should match that for the whole image, while the Gaussian stays near
    the Soft-TV prior. The authors published no code, and the paper does not state the weight of the
    divergence from the prior; here it is per pixel. Log variances are squashed to (-8, 8) by
    8 tanh(x / 8), and gradients are clipped at a norm of 10, neither of which is in the paper.
    """

    infiller: str = "mean"
    """In-filler of removed pixels in training: NAME[:setting=value,...]."""
    share: float = 0.1
    """Share of pixels that are kept."""
    spread: float = 1.0
    """Spread of that share over photos, so that the whole ranking is learnt (ours): it is drawn
    between share / spread and share * spread. 1 always keeps `share`, as published."""
    uniform_shares: bool = False
    """Whether the share is drawn evenly from 0.01 to 0.99 instead (ours), so that the loss
    approximates the area above an insertion curve. `share` and `spread` then have no effect."""
    softness: float = 0.1
    """Entropic regularisation of the top-k, for maps of range 1."""
    length: float = 3.0
    """Length-scale of the prior in cells of the map."""
    nugget: float = 0.1
    """Value added to the diagonals of the prior's covariance factors: how much a cell may differ
    from its neighbours. The variance that it leaves to a cell must exceed the encoder's minimum."""
    reconstruction: Literal["cross_entropy", "probability"] = "cross_entropy"
    """Loss between the two predictions: the cross-entropy over all classes, as published, or 1
    minus the probability of the predicted class (ours), which is not dominated by photos of which
    little can be kept."""
    prior: float = 1.0
    """Weight of the divergence from the prior, per pixel."""
    reads: Literal["image", "features", "gradients"] = "image"
    """Input of the encoder: the image, as published; the classifier's feature maps, with which it
    needs far fewer photos (ours); or the feature maps and the gradient evidence of the prediction,
    which takes one backward pass through the classifier (ours)."""
    side: int | None = 56
    """Side of the maps, in cells, at the classifier's input size; none takes the image's side in
    pixels, as published (16 times the work)."""
    widths: tuple[int, ...] = PUBLISHED_WIDTHS
    """Channels of the convolutions of an encoder that reads the image."""
    width: int = 64
    """Number of channels to which feature maps are reduced."""
    heads: int = 1
    """Number of Gaussians that a decoder of feature maps predicts (ours). Each is trained on photos
    of its own; their disagreement estimates that of separate trainings."""
    rate: float = 1e-4
    """Learning rate (Adam, betas 0.9 and 0.99)."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate: it falls to zero along a cosine, or is constant (published)."""
    decay: float = 5e-4
    """Weight decay."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise InputError(f"expected share in (0, 1], got {self.share}")
        if not (self.spread >= 1 and self.share * self.spread <= 1):
            raise InputError(
                "expected spread >= 1 and share * spread <= 1, got "
                f"spread {self.spread:g} and share {self.share:g}"
            )
        if self.heads < 1 or (self.heads > 1 and self.reads == "image"):
            raise InputError(
                f"expected heads >= 1, and heads = 1 for an encoder of images, got {self.heads}"
            )
        if not self.softness > 0:
            raise InputError(f"expected softness > 0, got {self.softness}")
        if not (self.side is None and self.reads == "image") and (self.side or 0) < 1:
            raise InputError(
                f"expected side >= 1, or None for an encoder of images, got {self.side}"
            )


def train(config: VariationalTraining) -> Generator[dict[str, float], None, None]:
    """Train variational saliency; yield the losses of each step. See `trainer.run`.

    Raises:
        InputError: Also if the prior is not positive definite.
    """
    yield from trainer.run(config, VariationalTask)


class VariationalTask(MaskTask):
    """The encoder, the prior and the frozen classifier."""

    config: VariationalTraining
    weights_file: ClassVar[str] = "variational.safetensors"

    def __init__(self, config: VariationalTraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        self.classifier = mask_task.load_classifier(config, accelerator)
        self.classifier.require_network("variational saliency")
        torch.manual_seed(config.seed)
        side = None if config.side is None else self.grid_side(config.side)
        self.extractor: FeatureExtractor | None = None
        self.encoder: Any = self._make_encoder(side).to(accelerator.device).train()
        cells = side or self.size
        self.prior = SoftTV(cells, cells, config.length, nugget=config.nugget)
        self.prior.check()
        _match_prior_variance(self.encoder, self.prior)
        adam = torch.optim.Adam(
            self.encoder.parameters(), config.rate, (0.9, 0.99), weight_decay=config.decay
        )
        self.optimizer = accelerator.prepare_optimizer(adam)
        self.infiller = resolve("infillers", config.infiller)

    def state(self) -> dict[str, Any]:
        """Return the encoder and its optimiser."""
        return {"encoder": self.encoder, "adam": self.optimizer}

    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Make one step on the reconstruction and the divergence."""
        if self.config.schedule == "cosine":
            set_rate(self.optimizer, cosine_rate(self.config.rate, step / self.config.steps))
        losses = self._losses(batch, step)
        total = losses["reconstruction"] + self.config.prior * losses["divergence"]
        descend(self.accelerator, self.optimizer, self.encoder, total, MAX_GRADIENT_NORM)
        return {name: float(value.detach()) for name, value in losses.items()}

    def validation_loss(self, batch: Batch) -> float:
        """Return the same loss, always with the same noise."""
        self.encoder.eval()
        losses = self._losses(batch, -1)
        self.encoder.train()
        return float(losses["reconstruction"] + self.config.prior * losses["divergence"])

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Return the mean maps."""
        self.encoder.eval()
        gaussians, _ = self._encode(self.classifier.normalise(batch.pixels))
        self.encoder.train()
        return masks.resize(gaussians.mean[:, None, None], batch.pixels.shape[-2:])[:, 0, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the encoder."""
        encoder, config = self.encoder, self.config
        metadata = {
            "classifier": self.classifier.name,
            "reads": config.reads,
            "side": str(config.side or 0),
        }
        if isinstance(encoder, GaussianDecoder):
            metadata |= {
                "width": str(encoder.width),
                "channels": json.dumps(encoder.channels),
                "stages": json.dumps(self.extractor.names if self.extractor else []),
                "rows": str(0 if encoder.rows is None else len(encoder.rows)),
                "heads": str(config.heads),
            }
        else:
            channels = str(self.classifier.channels)
            metadata |= {"widths": json.dumps(config.widths), "channels": channels}
        return mask_task.half_precision(encoder.state_dict()), metadata

    def _make_encoder(self, side: int | None) -> Encoder:
        """Return an untrained encoder, and set `extractor` where it reads feature maps."""
        config = self.config
        if config.reads == "image":
            return VariationalEncoder(self.classifier.channels, config.widths, side or 0)
        assert side is not None
        gradient = config.reads == "gradients"
        self.extractor, channels = mask_task.feature_extractor(
            self.classifier, "variational saliency", gradient
        )
        rows = mask_task.output_weights(self.classifier)
        return GaussianDecoder(channels, config.width, side, rows, gradient, config.heads)

    def _losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the reconstruction loss and the divergence per pixel, means over the batch."""
        config, x = self.config, self.classifier.network_input(batch.pixels)
        gaussians, logits = self._encode(x)
        g = torch.Generator().manual_seed(config.seed * 1_013 + step + 1)
        size = gaussians.means.shape[2:]
        noise = batch.local_rows(torch.randn(batch.total, *size, generator=g)).to(x)
        uniform = batch.local_rows(torch.rand(batch.total, generator=g)).to(x)
        heads = torch.randint(gaussians.means.shape[1], (batch.total,), generator=g)
        mean, log_variance = gaussians.component(batch.local_rows(heads).to(x.device))
        sample = mean + (log_variance / 2).exp() * noise
        keep = top_share_mask(sample, self._shares(uniform), config.softness)
        kept_logits = self._logits_of_kept(batch, keep, step)
        if config.reconstruction == "probability":
            reconstruction = (1 - probability(kept_logits, logits.argmax(1))).mean()
        else:
            reconstruction = -(logits.softmax(1) * kept_logits.log_softmax(1)).sum(1).mean()
        divergence = self.prior.divergence(mean, log_variance.exp()).mean() / mean[0].numel()
        return {"reconstruction": reconstruction, "divergence": divergence}

    def _shares(self, uniform: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return the share of kept pixels of each photo, from numbers in [0, 1)."""
        if self.config.uniform_shares:
            return uniform_shares(uniform)
        return spread_shares(uniform, self.config.share, self.config.spread)

    def _logits_of_kept(self, batch: Batch, keep: Float[Tensor, "n _gh _gw"], step: int) -> Logits:
        """Return the classifier's logits for the kept pixels, with all others in-filled."""
        n = len(keep)
        targets = torch.zeros(n, dtype=torch.long, device=keep.device)  # unused: no class is scored
        seeds = seeds_of(batch.pixels, self.config.seed + step + 1)
        score = MaskedScore(self.classifier, self.infiller, batch.pixels, targets, seeds)
        pictures = score.pictures(keep[:, None, None], step + 1)
        x = self.classifier.network_input(pictures)
        with self.accelerator.autocast():
            return mask_task.logits(self.classifier.model, x).float()

    def _encode(self, x: Images) -> tuple[Mixture, Logits]:
        """Return the Gaussians over maps, and the classifier's logits for the whole images."""
        with self.accelerator.autocast():
            with torch.no_grad():
                if self.extractor:
                    output, features = mask_task.read_features(self.extractor, x)
                else:
                    output, features = mask_task.logits(self.classifier.model, x), []
            logits, encoder = output.float(), self.encoder
            gaussians = encoder(features, logits.softmax(1)) if features else encoder(x)
        return Mixture(*(part.float() for part in gaussians)), logits


def _match_prior_variance(encoder: Encoder, prior: SoftTV) -> None:
    """Set the encoder's initial variances to those of the independent Gaussian nearest the prior.

    The divergence grows with the ratio of the variances and would otherwise hide all other losses.

    Raises:
        InputError: If these variances are outside the encoder's range.
    """
    tanh = prior.nearest.log().mean().item() / MAX_LOG_VARIANCE
    if not -MAX_INITIAL_TANH < tanh < MAX_INITIAL_TANH:
        raise InputError(
            f"the prior with length {prior.length} and nugget {prior.nugget:g} leaves each cell a "
            f"variance of e^{tanh * MAX_LOG_VARIANCE:.1f}, outside the encoder's range "
            f"e^±{MAX_LOG_VARIANCE:g}; use a smaller length or a larger nugget"
        )
    with torch.no_grad():
        encoder.last.bias[1::2] = MAX_LOG_VARIANCE * math.atanh(tanh)  # type: ignore[index]
