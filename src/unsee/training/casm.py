"""Training of CASM: a decoder hides the evidence, a classifier learns to find what remains."""

import copy
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from unsee.classifiers.measures import Logits
from unsee.errors import InputError
from unsee.networks.mask_decoder import MaskDecoder
from unsee.training import mask_task, trainer
from unsee.training.casm_adversary import (
    AreaFactor,
    Objective,
    Snapshot,
    add_snapshot,
    mask_losses,
)
from unsee.training.descent import descend, set_rate
from unsee.training.mask_task import MaskTask, MaskTraining
from unsee.training.task import Batch

Strategy = Literal["F", "L", "FL", "L100", "L1000"]
AREA_WEIGHTS: dict[str, float] = {"F": 2.5, "L": 14.0, "FL": 7.5, "L100": 10.0, "L1000": 10.0}
"""Weight of the area for each strategy in the authors' code, with which masks hide about half of
the pixels."""
SNAPSHOT_INTERVALS: dict[str, int] = {"L100": 100, "L1000": 1000}
"""The paper's number of steps between snapshots; other strategies take none."""
MAX_GRADIENT_NORM = 10.0
"""Norm to which gradients are clipped."""
RATE_DROP = 0.1
"""Factor of each drop of the learning rates."""


@dataclass(frozen=True)
class CasmTraining(MaskTraining):
    """Train a classifier-agnostic saliency map (extra: train).

    A decoder learns to hide what a classifier recognises; in turn, the classifier learns to
    recognise images from which evidence is hidden.

    Zolna, Geras & Cho, "Classifier-agnostic saliency map extraction", 2018.
    https://arxiv.org/abs/1805.08249
    """

    strategy: Strategy = "L100"
    """Classifiers from which masks must hide the evidence: the original one (F, a baseline), the
    latest one (L), either of both (FL), or a snapshot of every 100 or 1000 steps (L100, L1000)."""
    objective: Objective = "entropy"
    """What masks maximise: the entropy of the prediction for masked images, or the cross-entropy of
    their class."""
    shared: bool = True
    """The decoder reads the feature maps of the trained classifier; with `--no-shared`, those of
    the original one."""
    area: float | None = None
    """Weight of the mean mask; default: that of the authors' code for the
    strategy."""
    area_rise: int | None = None
    """Number of steps over which that weight rises linearly from zero; default: no rise."""
    volume: float | None = None
    """Target share of pixels that masks hide: the weight of the area adapts until they do, so that
    strategies can be compared; default: the weight is constant."""
    classifier_loss: Literal["mean", "sum"] = "mean"
    """Loss of the classifier over clean and masked images: the sum of both means, as in the paper
    (equations 5 and 8), or their mean, which halves its learning rate."""
    snapshot_probability: float = 0.5
    """Probability that a step uses a snapshot or the original classifier instead of the latest."""
    rate: float = 1e-3
    """Learning rate of the classifier (SGD with momentum 0.9)."""
    mask_rate: float = 1e-3
    """Learning rate of the decoder (Adam)."""
    fade: int = 3
    """Number of times that both learning rates drop to a tenth, at equal intervals."""
    snapshot_every: int | None = None
    """Number of steps between snapshots for L100 and L1000; default: 100 or 1000, as in the paper,
    whose trainings have 140 000 steps."""
    width: int = 64
    """Number of channels to which the decoder reduces each feature map."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.area is not None and self.area < 0:
            raise InputError(f"expected area >= 0, got {self.area}")
        if self.volume is not None and not 0 < self.volume < 1:
            raise InputError(f"expected volume in (0, 1), got {self.volume}")

    def area_weight(self, step: int) -> float:
        """Return the weight of the area in a step. The first step is 0."""
        weight = AREA_WEIGHTS[self.strategy] if self.area is None else self.area
        return weight * min(1.0, (step + 1) / self.area_rise) if self.area_rise else weight

    def rate_factor(self, step: int) -> float:
        """Return the factor of both learning rates in a step."""
        drops = min(self.fade, step * (self.fade + 1) // max(self.steps, 1))
        return RATE_DROP**drops

    def takes_snapshot(self, step: int) -> bool:
        """Return whether a snapshot follows a step."""
        if self.strategy not in SNAPSHOT_INTERVALS:
            return False
        return step % (self.snapshot_every or SNAPSHOT_INTERVALS[self.strategy]) == 0


def train(config: CasmTraining) -> Generator[dict[str, float], None, None]:
    """Train CASM; yield the losses of each step. See `trainer.run`."""
    yield from trainer.run(config, CasmTask)


class CasmTask(MaskTask):
    """The decoder, the classifier that is trained against it, and its snapshots."""

    config: CasmTraining
    weights_file: ClassVar[str] = "casm.safetensors"

    def __init__(self, config: CasmTraining, accelerator: Any) -> None:
        self.config, self.accelerator = config, accelerator
        self.classifier = mask_task.load_classifier(config, accelerator)
        torch.manual_seed(config.seed)
        extractor, channels = mask_task.feature_extractor(self.classifier, "CASM")
        self.network = copy.deepcopy(extractor.network).requires_grad_(True).eval()
        trained_extractor = type(extractor)(self.network, extractor.names)
        self.extractor = trained_extractor if config.shared else extractor
        self.decoder = MaskDecoder(channels, config.width).to(accelerator.device).train()
        sgd = torch.optim.SGD(
            self.network.parameters(), config.rate, momentum=0.9, weight_decay=1e-4
        )
        adam = torch.optim.Adam(self.decoder.parameters(), config.mask_rate, weight_decay=1e-4)
        self.classifier_optimizer = accelerator.prepare_optimizer(sgd)
        self.decoder_optimizer = accelerator.prepare_optimizer(adam)
        self.snapshots: list[Snapshot] = []
        self.area_factor = AreaFactor().to(accelerator.device)
        self.mean_colour = mask_task.mean_colour(self.classifier)

    def state(self) -> dict[str, Any]:
        """Return both networks, their optimisers and the factor of the area's weight."""
        return {
            "network": self.network,
            "decoder": self.decoder,
            "see": self.classifier_optimizer,
            "hide": self.decoder_optimizer,
            "balance": self.area_factor,
        }

    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Train the classifier on clean and masked images, then the decoder."""
        config = self.config
        self._set_rates(step)
        x = self.classifier.network_input(batch.pixels)
        with self.accelerator.autocast():
            mask, logits = self._mask(x)
        labels = self._labels(batch, x, logits)
        masked = torch.lerp(x, self.mean_colour.expand_as(x), mask)
        losses = {}
        if config.strategy != "F":
            losses["classifier"], logits = self._classifier_step(x, masked.detach(), labels)
        correct = logits.argmax(1) == labels
        adversary = self._adversary(step)
        with self.accelerator.autocast():
            evidence, fooling_area = mask_losses(
                config.objective, mask_task.logits(adversary, masked), mask, labels, correct
            )
        weight = config.area_weight(step) * self.area_factor.log.exp()
        loss = evidence + weight * fooling_area
        descend(self.accelerator, self.decoder_optimizer, self.decoder, loss, MAX_GRADIENT_NORM)
        if config.takes_snapshot(step):
            add_snapshot(self.snapshots, self.network, config.seed * 103 + step)
        area = self.accelerator.reduce(mask.detach().float().mean(), "mean")
        if config.volume is not None:
            self.area_factor.update(area - config.volume)
        return losses | {
            "evidence": float(evidence.detach()),
            "area": float(area),
            "right": float(correct.float().mean()),
        }

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Return the masks, with the decoder in evaluation mode."""
        self.decoder.eval()
        mask, _ = self._mask(self.classifier.network_input(batch.pixels))
        self.decoder.train()
        return mask[:, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the decoder and, if its feature maps are read, the trained classifier."""
        tensors = {f"decoder.{k}": v for k, v in self.decoder.state_dict().items()}
        if self.config.shared:
            tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        return mask_task.half_precision(tensors), {
            "classifier": self.classifier.name,
            "stages": json.dumps(self.extractor.names),
            "channels": json.dumps(self.decoder.channels),
            "width": str(self.config.width),
            "shared": str(self.config.shared),
        }

    def _set_rates(self, step: int) -> None:
        factor = self.config.rate_factor(step)
        set_rate(self.classifier_optimizer, self.config.rate * factor)
        set_rate(self.decoder_optimizer, self.config.mask_rate * factor)

    def _labels(self, batch: Batch, x: Tensor, logits: Logits) -> Int[Tensor, " n"]:
        """Return labelled classes, or the original classifier's prediction for clean images."""
        if batch.targets is not None:
            return batch.targets
        if not self.config.shared:
            return logits.argmax(1)
        with torch.no_grad():
            return mask_task.logits(self.classifier.model, x).argmax(1)

    def _mask(self, x: Tensor) -> tuple[Float[Tensor, "n 1 h w"], Logits]:
        """Return masks, and the logits of the network whose feature maps the decoder reads.

        No gradient passes through the feature maps.
        """
        with torch.no_grad():
            logits, features = mask_task.read_features(self.extractor, x)
        mask = self.decoder([f.detach() for f in features], (x.shape[-2], x.shape[-1]))
        return mask, logits

    def _classifier_step(
        self, x: Tensor, masked: Tensor, labels: Tensor
    ) -> tuple[float, Float[Tensor, "n _classes"]]:
        """Train the classifier; return its loss, and its logits for clean images before the step.

        Batch normalisation keeps its statistics, which masked images would distort.
        """
        self.network.requires_grad_(True)
        with self.accelerator.autocast():
            logits = mask_task.logits(self.network, torch.cat([x, masked]))
            loss = F.cross_entropy(logits.float(), labels.repeat(2))
            if self.config.classifier_loss == "sum":
                loss = 2 * loss
        descend(self.accelerator, self.classifier_optimizer, self.network, loss, MAX_GRADIENT_NORM)
        self.network.requires_grad_(False)  # the decoder's step needs no gradient of its weights
        return float(loss.detach()), logits.detach().chunk(2)[0]

    def _adversary(self, step: int) -> nn.Module:
        """Return the classifier from which this step's masks must hide the evidence."""
        config = self.config
        original: Any = self.classifier.model
        if config.strategy == "F":
            return original
        g = torch.Generator().manual_seed(config.seed * 101 + step)
        if config.strategy == "L" or (
            torch.rand(1, generator=g).item() >= config.snapshot_probability
        ):
            return self.network
        if config.strategy == "FL" or not self.snapshots:
            return original
        index = int(torch.randint(len(self.snapshots), (1,), generator=g))
        snapshot = copy.deepcopy(self.network).requires_grad_(False)
        snapshot.load_state_dict(self.snapshots[index])
        return snapshot
