"""Training of a distilled network: the objective of `tide`, minimised over many photos."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods.tide import curve_area_loss
from unsee.networks.ranking_decoder import RankingDecoder
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.training import mask_task, trainer
from unsee.training.descent import cosine_rate, descend, set_rate
from unsee.training.mask_task import MaskTask, MaskTraining
from unsee.training.task import Batch
from unsee.types import Losses, Targets

MAX_GRADIENT_NORM = 1.0
"""Norm to which gradients are clipped."""
MIN_PROBABILITY = 0.05
"""Smallest probability of a class, other than the likeliest, for which a map is trained."""
TOP_CLASSES = 5
"""Number of likeliest classes from which the class of a map is drawn."""
VALIDATION_LEVELS = 8
"""Number of levels of the curves at which validation photos are evaluated."""


@dataclass(frozen=True)
class DistilledTraining(MaskTraining):
    """Train a decoder that predicts the map of `tide` in one pass (ours; extra: train).

    The loss is the objective of `tide` itself: the area under the deletion curve minus the area
    under the insertion curve of the decoder's ranking. No maps are computed beforehand.
    """

    infiller: str = "blur"
    """In-filler of removed pixels in training: NAME[:setting=value,...]."""
    levels: int = 1
    """Number of random levels of the curves per photo and step, each for deletion and insertion."""
    others: float = 0.25
    """Share of photos whose map is for another of the five likeliest classes. The class is drawn by
    its probability, which must be at least 0.05."""
    smoothness: float = 0.0
    """Weight of the total variation of the map."""
    grid: int = 28
    """Side of the map, in cells, at the classifier's input size."""
    width: int = 64
    """Number of channels of the decoder."""
    rate: float = 2e-3
    """Learning rate (AdamW); it falls to zero along a cosine."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.levels < 1 or self.grid < 1 or not 0 <= self.others <= 1:
            raise InputError(
                "expected levels >= 1, grid >= 1 and others in [0, 1], got "
                f"{self.levels}, {self.grid} and {self.others}"
            )


def train(config: DistilledTraining) -> Generator[dict[str, float], None, None]:
    """Train a distilled network; yield the losses of each step. See `trainer.run`."""
    yield from trainer.run(config, DistilledTask)


class DistilledTask(MaskTask):
    """The decoder, which reads the feature maps of the frozen classifier."""

    config: DistilledTraining
    weights_file: ClassVar[str] = "distilled.safetensors"

    def __init__(self, config: DistilledTraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        self.classifier = mask_task.load_classifier(config, accelerator)
        torch.manual_seed(config.seed)
        self.extractor, channels = mask_task.feature_extractor(
            self.classifier, "a distilled network"
        )
        decoder = RankingDecoder(
            channels,
            mask_task.class_count(self.classifier),
            config.width,
            self.grid_side(config.grid),
            mask_task.output_weights(self.classifier),
        )
        self.decoder = decoder.to(accelerator.device).train()
        adam = torch.optim.AdamW(self.decoder.parameters(), config.rate, weight_decay=1e-4)
        self.optimizer = accelerator.prepare_optimizer(adam)
        self.infiller = resolve("infillers", config.infiller)

    def state(self) -> dict[str, Any]:
        """Return the decoder and its optimiser."""
        return {"decoder": self.decoder, "adam": self.optimizer}

    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Make one step on the area between the curves."""
        set_rate(self.optimizer, cosine_rate(self.config.rate, step / self.config.steps))
        loss = self._losses(batch, step, self.config.levels).mean()
        descend(self.accelerator, self.optimizer, self.decoder, loss, MAX_GRADIENT_NORM)
        return {"area": float(loss.detach())}

    def validation_loss(self, batch: Batch) -> float:
        """Return the same loss at more levels, which are always the same."""
        self.decoder.eval()
        size = self.config.batch
        parts = [batch.select(slice(i, i + size)) for i in range(0, len(batch.pixels), size)]
        total = sum(self._losses(part, -1, VALIDATION_LEVELS).sum().item() for part in parts)
        self.decoder.train()
        return total / len(batch.pixels)

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Return the maps for the likeliest classes."""
        self.decoder.eval()
        ranking, _ = self._ranking(batch, -1)
        self.decoder.train()
        return masks.resize(ranking[:, None], batch.pixels.shape[-2:])[:, 0, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the decoder."""
        return mask_task.half_precision(self.decoder.state_dict()), {
            "classifier": self.classifier.name,
            "stages": json.dumps(self.extractor.names),
            "channels": json.dumps(self.decoder.channels),
            "classes": str(self.decoder.classes),
            "width": str(self.config.width),
            "grid": str(self.config.grid),
            "rows": str(self.decoder.rows is not None),
        }

    def _losses(self, batch: Batch, step: int, levels: int) -> Losses:
        """Return deletion area minus insertion area, plus smoothness, for each photo."""
        ranking, targets = self._ranking(batch, step)
        seeds = seeds_of(batch.pixels, self.config.seed + step + 1)
        score = MaskedScore(
            self.classifier, self.infiller, batch.pixels, targets, seeds, probability
        )
        losses = curve_area_loss(score, 0, ranking[:, None], levels)
        if self.config.smoothness:
            keep = ranking[:, None].sigmoid()
            losses = losses + self.config.smoothness * masks.total_variation(keep)
        return losses

    def _ranking(self, batch: Batch, step: int) -> tuple[Float[Tensor, "n 1 g g"], Targets]:
        """Return the decoder's ranking of cells, and its classes, after one classifier pass."""
        x = self.classifier.network_input(batch.pixels)
        with torch.no_grad(), self.accelerator.autocast():
            logits, features = mask_task.read_features(self.extractor, x)
        targets = self._targets(batch, logits.float().softmax(1), step)
        with self.accelerator.autocast():
            ranking: Tensor = self.decoder([f.detach() for f in features], targets)
        return ranking.float(), targets

    def _targets(self, batch: Batch, p: Float[Tensor, "n _classes"], step: int) -> Targets:
        """Return labelled or likeliest classes; in training, a share of others (`others`).

        Args:
            batch: The photos.
            p: Probabilities of the classes.
            step: The step, whose number seeds the choice; -1 for validation, without others.
        """
        likeliest = p.topk(min(TOP_CLASSES, p.shape[1]))
        first = likeliest.indices[:, 0] if batch.targets is None else batch.targets
        if step < 0 or p.shape[1] < 2:
            return first
        g = torch.Generator().manual_seed(self.config.seed * 1_019 + step)
        uniform = batch.local_rows(torch.rand(batch.total, 2, generator=g)).to(p)
        cumulative = likeliest.values[:, 1:].cumsum(1)
        index = (uniform[:, 1:] * cumulative[:, -1:] > cumulative).sum(1, keepdim=True) + 1
        other, p_other = (x.gather(1, index)[:, 0] for x in (likeliest.indices, likeliest.values))
        takes_other = (uniform[:, 0] < self.config.others) & (p_other >= MIN_PROBABILITY)
        return torch.where(takes_other, other, first)
