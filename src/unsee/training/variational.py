"""Training of variational saliency: a Gaussian over maps, and the few pixels that say the same."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import unwrapped
from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods._evidence import Evident
from unsee.networks.gaussian_decoder import GaussianDecoder
from unsee.networks.mixture import STEADY, Mixture
from unsee.networks.stages import Stages
from unsee.networks.variational_encoder import PUBLISHED, VariationalEncoder
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.training import mask_task, trainer
from unsee.training.mask_task import MaskGame, MaskTraining
from unsee.training.soft_tv_prior import SoftTV
from unsee.training.task import Batch
from unsee.types import Images

Encoder = VariationalEncoder | GaussianDecoder
Heights = Float[Tensor, "n _gh _gw"]
CLIP = 10.0
"""Norm of the gradient."""
LEAST = 0.01
"""Share that is kept, or not kept, of every map where all shares are drawn alike."""
RANGE = 6.0
"""Deviations in the range of a map."""


@dataclass(frozen=True)
class VariationalTraining(MaskTraining):
    """Train an encoder to a Gaussian over maps (variational saliency, Kim et al.; extra: train).

    A map is drawn, its top share of pixels is kept by a soft top-k, and the classifier's answer to
    what is kept should be its answer to the image, while the Gaussian stays near the Soft-TV prior.
    No code was published, and what weighs the two is not said: here the divergence counts for each
    pixel.
    """

    infiller: str = "mean"
    """What removed pixels show in training: NAME, as `unsee list infillers` has them, or
    NAME:setting=value,..."""
    share: float = 0.1
    """Of the pixels that are kept."""
    spread: float = 1.0
    """For each photo the share is drawn between share / spread and share * spread (ours), so that
    all of the ranking is learnt; 1 always keeps the share, as published; 0 draws every share alike,
    which is the area under an insertion curve."""
    softness: float = 0.1
    """Entropic regularisation of the top-k, for scores whose range is about 1."""
    length: float = 3.0
    """Length-scale of the prior, in pixels of the map."""
    nugget: float = 0.1
    """Added to the prior's diagonals: how much a pixel may differ from its neighbours. What it
    leaves to a pixel of its own must be more than the encoder's least variance."""
    reconstruction: Literal["cross_entropy", "probability"] = "cross_entropy"
    """How far what is said to the kept pixels is from what is said to the image: the cross-entropy
    of all classes, as published, or what the probability of the answer lacks of one (ours), which
    does not spend itself on photos of which little can be kept."""
    prior: float = 1.0
    """Weight of the divergence from the prior, for each pixel."""
    reads: Literal["image", "features", "gradients"] = "image"
    """What the encoder sees: the image, as published, or what the classifier has seen in it, which
    takes far fewer photos to learn (ours); gradients: that, and on which pixels its answer hangs,
    for a pass back through the classifier."""
    side: int = 56
    """Of the maps of images of the classifier's own size; 0 takes the image's, as published (and 16
    times the work)."""
    widths: tuple[int, ...] = PUBLISHED
    """Channels of the convolutions that read the image."""
    width: int = 64
    """Channels to which feature maps are narrowed."""
    heads: int = 1
    """Gaussians that a decoder of feature maps gives, each trained on photos of its own (ours):
    where they disagree, so do trainings."""
    rate: float = 1e-4
    """Adam's, with betas 0.9 and 0.99, falling to zero along a cosine (as published: constant)."""
    decay: float = 5e-4
    """Of the weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise InputError(f"expected a share in (0, 1], got {self.share}")
        if not (self.spread >= 1 or self.spread == 0) or self.share * self.spread > 1:
            raise InputError(
                "expected spread 0 or >= 1, and share * spread <= 1, got "
                f"spread {self.spread:g} and share {self.share:g}"
            )
        if self.heads < 1 or (self.heads > 1 and self.reads == "image"):
            raise InputError(
                f"expected heads >= 1, and 1 where the image is read, got {self.heads}"
            )
        if not self.softness > 0:
            raise InputError(f"expected softness > 0, got {self.softness}")
        if self.reads != "image" and self.side < 1:
            raise InputError(f"expected a side >= 1 where {self.reads} are read, got {self.side}")


def train(chosen: VariationalTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` for a prior that is not positive definite, and where a loss is not finite;
    the last checkpoint stays.
    """
    yield from trainer.run(chosen, VariationalGame)


class VariationalGame(MaskGame):
    """The encoder, the prior and the fixed classifier."""

    chosen: VariationalTraining
    file: ClassVar[str] = "variational.safetensors"
    fixed: ClassVar[tuple[str, ...]] = (
        *MaskGame.fixed, "infiller", "share", "spread", "softness", "length", "nugget",
        "reconstruction", "prior", "reads", "side", "widths", "width", "heads",
    )  # fmt: skip

    def __init__(self, chosen: VariationalTraining, accelerator: Any) -> None:
        self.chosen, self.accelerator = chosen, accelerator
        self.given = mask_task.given(chosen, accelerator)
        mask_task.network_of(self.given, "variational saliency")
        torch.manual_seed(chosen.seed)
        self.stages: Stages | None = None
        side = self.cells(chosen.side) if chosen.side else 0
        if chosen.reads != "image":
            evident = chosen.reads == "gradients"
            found, channels = mask_task.stages_of(self.given, "variational saliency")
            self.stages = Evident(found.network, found.names) if evident else found
            _, rows = mask_task.classes_of(self.given)
            encoder: Encoder = GaussianDecoder(
                channels, chosen.width, side, rows, evident, chosen.heads
            )
        else:
            encoder = VariationalEncoder(self.given.channels, chosen.widths, side)
        self.encoder: Any = encoder.to(accelerator.device).train()
        cells = side or self.size
        self.prior = SoftTV(cells, cells, chosen.length, nugget=chosen.nugget)
        self.prior.check()
        _begin_near(self.encoder, self.prior)
        adam = torch.optim.Adam(
            self.encoder.parameters(), chosen.rate, (0.9, 0.99), weight_decay=chosen.decay
        )
        self.adam = accelerator.prepare_optimizer(adam)
        self.past = []
        self.infiller = resolve("infillers", chosen.infiller)

    def states(self) -> dict[str, Any]:
        """The encoder and its optimiser."""
        return {"encoder": self.encoder, "adam": self.adam}

    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """One step on the reconstruction and the divergence."""
        trainer.along_cosine(self.adam, self.chosen.rate, step / self.chosen.steps)
        losses = self._losses(batch, step)
        total = losses["reconstruction"] + self.chosen.prior * losses["divergence"]
        trainer.descend(self.accelerator, self.adam, self.encoder, total, CLIP)
        return {name: float(value.detach()) for name, value in losses.items()}

    def shortcoming(self, batch: Batch) -> float:
        """The same on held-out photos, always with the same noise."""
        self.encoder.eval()
        losses = self._losses(batch, -1)
        self.encoder.train()
        return float(losses["reconstruction"] + self.chosen.prior * losses["divergence"])

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Means."""
        self.encoder.eval()
        found, _ = self._asked(self.given.normalise(batch.pixels))
        self.encoder.train()
        return masks.resize(found.mean[:, None, None], batch.pixels.shape[-2:])[:, 0, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The encoder's, in half precision."""
        tensors = mask_task.halves(self.encoder.state_dict())
        about = {"widths": json.dumps(self.chosen.widths), "channels": str(self.given.channels)}
        if isinstance(self.encoder, GaussianDecoder):
            about = {
                "width": str(self.encoder.width),
                "channels": json.dumps(self.encoder.channels),
                "stages": json.dumps(self.stages.names if self.stages else []),
                "rows": str(0 if self.encoder.rows is None else len(self.encoder.rows)),
                "heads": str(self.chosen.heads),
            }
        named = {"classifier": self.given.name, "reads": self.chosen.reads}
        return tensors, about | named | {"side": str(self.chosen.side)}

    def _losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        x = self.given.normalise(batch.pixels)
        x = x.contiguous(memory_format=torch.channels_last)
        found, answer = self._asked(x)
        g = torch.Generator().manual_seed(self.chosen.seed * 1_013 + step + 1)
        noise = batch.own(torch.randn(batch.total, *found.means.shape[2:], generator=g)).to(x)
        coins = batch.own(torch.rand(batch.total, generator=g)).to(x)
        heads = batch.own(torch.randint(found.means.shape[1], (batch.total,), generator=g))
        mean, log_variance = found.one(heads.to(x.device))
        drawn = mean + (log_variance / 2).exp() * noise
        shown = self._shown(batch, kept(drawn, self._shares(coins), self.chosen.softness), step)
        if self.chosen.reconstruction == "probability":
            reconstruction = (1 - probability(shown, answer.argmax(1))).mean()
        else:
            reconstruction = -(answer.softmax(1) * shown.log_softmax(1)).sum(1).mean()
        pixels = mean[0].numel()
        divergence = self.prior.divergence(mean, log_variance.exp()).mean() / pixels
        return {"reconstruction": reconstruction, "divergence": divergence}

    def _shares(self, coins: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Of the pixels that are kept, from numbers in [0, 1)."""
        if not self.chosen.spread:
            return coins.clamp(LEAST, 1 - LEAST)
        return self.chosen.share * self.chosen.spread ** (2 * coins - 1)

    def _shown(self, batch: Batch, keep: Heights, step: int) -> Float[Tensor, "n _classes"]:
        """What the classifier says to what is kept, in-filled."""
        n = len(keep)
        targets = torch.zeros(n, dtype=torch.long, device=keep.device)  # all classes are compared
        seeds = seeds_of(batch.pixels, self.chosen.seed + step + 1)
        score = MaskedScore(self.given, self.infiller, batch.pixels, targets, seeds)
        shown = score.pictures(keep[:, None, None], step + 1)
        x = self.given.normalise(shown).contiguous(memory_format=torch.channels_last)
        with self.accelerator.autocast():
            return unwrapped(self.given.model(x)).float()

    def _asked(self, x: Images) -> tuple[Mixture, Float[Tensor, "n _classes"]]:
        """The Gaussians, and what the classifier says to the whole image."""
        with self.accelerator.autocast():
            with torch.no_grad():
                answer, features = self.stages(x) if self.stages else (self.given.model(x), [])
            said, encoder = unwrapped(answer).float(), self.encoder
            found = encoder(features, said.softmax(1)) if features else encoder(x)
        return Mixture(*(part.float() for part in found)), said


def _begin_near(encoder: Encoder, prior: SoftTV) -> None:
    """Let variances begin where the prior wants them, or say that the encoder cannot go there.

    Otherwise the divergence, which grows with their ratio, hides all else.
    """
    wanted = prior.nearest.log().mean().item() / STEADY
    if not -0.95 < wanted < 0.95:
        raise InputError(
            f"the prior at length {prior.length} and nugget {prior.nugget:g} leaves a pixel a "
            f"variance of its own of e^{wanted * STEADY:.1f}; the encoder's lie within "
            f"e^±{STEADY:g}: take a smaller length, or a larger nugget"
        )
    with torch.no_grad():
        encoder.last.bias[1::2] = STEADY * math.atanh(wanted)  # type: ignore[index]


def kept(
    scores: Float[Tensor, "n h w"], share: Float[Tensor, " n"], softness: float
) -> Float[Tensor, "n h w"]:
    """The soft top share of each map, whose scores are brought to deviation 1 / RANGE first.

    Published: to the range [0, 1]. A range can be stretched by a single cell, until masks are even
    and show all of the photo a little, which the classifier reads better than a part of it.
    """
    flat = scores.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    spread = flat.square().mean(1, keepdim=True).sqrt()
    scaled = flat / (RANGE * spread).clamp(min=1e-6)
    return masks.soft_top_k(scaled, share * flat.shape[1], softness / 2).view_as(scores)
