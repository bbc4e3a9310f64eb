"""Training of a landscape in one pass: TIDE's own objective, spread over all photos."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import unwrapped
from unsee.classifiers.measures import probability
from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods.tide import between_curves
from unsee.networks.landscape_decoder import LandscapeDecoder
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.training import mask_task, trainer
from unsee.training.mask_task import MaskGame, MaskTraining
from unsee.training.task import Batch
from unsee.types import Losses, Targets

CLIP = 1.0
"""Norm of the gradient."""
PLAUSIBLE = 0.05
"""Probability of a class below which there is next to nothing to explain."""
JUDGED = 8
"""Water levels at which held-out photos are judged: one says too little of which step is best."""


@dataclass(frozen=True)
class DistilledTraining(MaskTraining):
    """Train a decoder to draw the landscape that `tide` finds by descent (ours; extra: train).

    It is trained on tide's objective itself, deletion area less insertion area of its ranking with
    an in-filler, on photos and classes: most likely ones, and now and then another of the first
    five. No maps have to be made beforehand.
    """

    infiller: str = "blur"
    """What removed pixels show in training: NAME, as `unsee list infillers` has them, or
    NAME:setting=value,..."""
    levels: int = 1
    """Water levels asked of each photo in a step, each to delete and to insert."""
    others: float = 0.25
    """Share of the photos that are explained for another of the five likeliest classes, drawn by
    its probability, where it has at least a twentieth."""
    smoothness: float = 0.0
    """Weight of tide's total variation."""
    grid: int = 28
    """Cells a side of the landscape of images of the classifier's own size."""
    width: int = 64
    """Channels of the decoder."""
    rate: float = 2e-3
    """AdamW's, falling to zero along a cosine."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.levels < 1 or self.grid < 1 or not 0 <= self.others <= 1:
            raise InputError(
                "expected levels >= 1, grid >= 1 and others in [0, 1], got "
                f"{self.levels}, {self.grid}, {self.others}"
            )


def train(chosen: DistilledTraining) -> Iterator[dict[str, float]]:
    """Train to the end, or for so many minutes; yields the losses of each step.

    Raises `InputError` where a loss is not finite; the last checkpoint stays.
    """
    yield from trainer.run(chosen, DistilledGame)


class DistilledGame(MaskGame):
    """The decoder on the features of a classifier that stays as it is."""

    chosen: DistilledTraining
    file: ClassVar[str] = "distilled.safetensors"
    fixed: ClassVar[tuple[str, ...]] = (*MaskGame.fixed, "infiller", "grid", "width", "levels")

    def __init__(self, chosen: DistilledTraining, accelerator: Any) -> None:
        self.chosen, self.accelerator = chosen, accelerator
        self.given = given = mask_task.given(chosen, accelerator)
        torch.manual_seed(chosen.seed)
        self.stages, channels = mask_task.stages_of(given, "a distilled network")
        classes, rows = mask_task.classes_of(given)
        decoder = LandscapeDecoder(channels, classes, chosen.width, self.cells(chosen.grid), rows)
        self.decoder = decoder.to(accelerator.device).train()
        adam = torch.optim.AdamW(self.decoder.parameters(), chosen.rate, weight_decay=1e-4)
        self.adam = accelerator.prepare_optimizer(adam)
        self.past = []
        self.infiller = resolve("infillers", chosen.infiller)

    def states(self) -> dict[str, Any]:
        """The decoder and its optimiser."""
        return {"decoder": self.decoder, "adam": self.adam}

    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """One step on the area between the curves."""
        trainer.along_cosine(self.adam, self.chosen.rate, step / self.chosen.steps)
        losses = self._losses(batch, step, self.chosen.levels).mean()
        trainer.descend(self.accelerator, self.adam, self.decoder, losses, CLIP)
        return {"area": float(losses.detach())}

    def shortcoming(self, batch: Batch) -> float:
        """The same on held-out photos, at more levels and always the same."""
        self.decoder.eval()
        found = [
            self._losses(batch.part(slice(at, at + self.chosen.batch)), -1, JUDGED).sum().item()
            for at in range(0, len(batch.pixels), self.chosen.batch)
        ]
        self.decoder.train()
        return sum(found) / len(batch.pixels)

    def maps(self, batch: Batch) -> Float[Tensor, "n h w"]:
        """Landscapes of the likeliest classes."""
        self.decoder.eval()
        heights, _ = self._landscape(batch, -1)
        self.decoder.train()
        return masks.resize(heights[:, None], batch.pixels.shape[-2:])[:, 0, 0]

    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The decoder's, in half precision."""
        return mask_task.halves(self.decoder.state_dict()), {
            "classifier": self.given.name,
            "stages": json.dumps(self.stages.names),
            "channels": json.dumps(self.decoder.channels),
            "classes": str(self.decoder.classes),
            "width": str(self.chosen.width),
            "grid": str(self.chosen.grid),
            "rows": str(self.decoder.rows is not None),
        }

    def _losses(self, batch: Batch, step: int, levels: int) -> Losses:
        heights, targets = self._landscape(batch, step)
        score = MaskedScore(
            self.given, self.infiller, batch.pixels, targets,
            seeds_of(batch.pixels, self.chosen.seed + step + 1), probability,
        )  # fmt: skip
        losses = between_curves(score, 0, heights[:, None], levels)
        if self.chosen.smoothness:
            hills = heights[:, None].sigmoid()
            losses = losses + self.chosen.smoothness * masks.total_variation(hills)
        return losses

    def _landscape(self, batch: Batch, step: int) -> tuple[Float[Tensor, "n 1 g g"], Targets]:
        """Heights, and for which classes; the classifier is asked once."""
        x = self.given.normalise(batch.pixels).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), self.accelerator.autocast():
            answer, features = self.stages(x)
        targets = self._targets(batch, unwrapped(answer).float().softmax(1), step)
        with self.accelerator.autocast():
            heights: Tensor = self.decoder([f.detach() for f in features], targets)
        return heights.float(), targets

    def _targets(self, batch: Batch, p: Float[Tensor, "n _classes"], step: int) -> Targets:
        """Labelled or likeliest classes; in training now and then one of the next four."""
        likely = p.topk(min(5, p.shape[1]))
        first = likely.indices[:, 0] if batch.targets is None else batch.targets
        if step < 0 or p.shape[1] < 2:
            return first
        g = torch.Generator().manual_seed(self.chosen.seed * 1_019 + step)
        coins = batch.own(torch.rand(batch.total, 2, generator=g)).to(p)
        reached = likely.values[:, 1:].cumsum(1)
        which = (coins[:, 1:] * reached[:, -1:] > reached).sum(1, keepdim=True) + 1
        other, said = (part.gather(1, which)[:, 0] for part in (likely.indices, likely.values))
        return torch.where((coins[:, 0] < self.chosen.others) & (said >= PLAUSIBLE), other, first)
