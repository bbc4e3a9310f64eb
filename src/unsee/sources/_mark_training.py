"""Train the classifier of marks, and test what it depends on."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor

from unsee.classifiers import determinism
from unsee.datasets import _marks
from unsee.networks.mark_reader import MarkReader
from unsee.sources._mark_pictures import EDITS, Edit, Pictures
from unsee.types import Images

LOG = logging.getLogger(__name__)
MEAN, STD = 0.5, 0.25
"""Mean and standard deviation with which pictures are normalised."""
CROPS, PICTURES = 64, 32
"""Number of crops, and of whole pictures, in a batch."""
CROP_RATE, PICTURE_RATE = 5e-3, 2e-3
"""Highest learning rates of AdamW, for crops and for whole pictures."""
CROP_STEPS = 0.5
"""Steps on crops for each step on whole pictures, which follow."""
WARM_UP = 0.2
"""Share of the steps in which the rate rises."""
WEIGHT_DECAY = 1e-3
TESTS = 256
"""Number of pictures of each test."""
SECONDS_BETWEEN_REPORTS = 10

Draw = Callable[[Sequence[int]], tuple[Images, Int[Tensor, " n"]]]
"""Function from the numbers of pictures to the pictures and their classes."""


@dataclass(frozen=True)
class Answers:
    """What a classifier answers to pictures of photos that it was not trained on."""

    accuracy: float
    """Share of right answers to pictures as they are drawn."""
    none: float
    """Share of the answer "none" to the same pictures without their marks."""
    unmarked: float
    """Mean probability of a class in these pictures."""
    surroundings: float
    """Share of right answers where other pixels than those of the mark were replaced."""
    covered: float
    """Mean probability of the class where the mark was covered."""
    blurred: float
    """Mean probability of the class where the picture was blurred."""

    @property
    def without(self) -> float:
        """Largest of the mean probabilities of a class without its mark."""
        return max(self.unmarked, self.covered, self.blurred)

    def __str__(self) -> str:
        return (
            f"right for {self.accuracy:.1%} of {TESTS} pictures of other photos and, with other "
            f"surroundings of the mark, for {self.surroundings:.1%}; none for {self.none:.1%} "
            f"without a mark; mean probability of the class {self.unmarked:.3f} without the mark, "
            f"{self.covered:.3f} with the mark covered, {self.blurred:.3f} with all blurred"
        )


def train(pictures: Pictures, steps: int) -> MarkReader:
    """Return a network in evaluation mode that was trained on pictures with marks.

    It learns the signs from crops around single ones first, and then the classes from `steps`
    batches of whole pictures. It runs on one thread, so that the weights depend on the pictures,
    the steps and the machine only.
    """
    with determinism.mode(torch.device("cpu")), torch.random.fork_rng(devices=[]):
        torch.manual_seed(pictures.seed)
        network = MarkReader(_marks.CLASSES + 1)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        crop_steps = max(1, round(steps * CROP_STEPS))
        _descend(network, "crops", pictures.crops, crop_steps, CROPS, CROP_RATE)
        if pictures.mark == "both":  # the classes are combinations of the signs
            network.head.reset_parameters()
        _descend(network, "whole pictures", pictures.whole, steps, PICTURES, PICTURE_RATE)
    return network.eval().requires_grad_(False)


def _descend(
    network: MarkReader, kind: str, draw: Draw, steps: int, batch: int, rate: float
) -> None:
    """Train on batches that are drawn one after another, and report the loss now and then."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=WEIGHT_DECAY)
    reported = time.monotonic()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * _share_of_rate(step / steps)
        images, labels = draw(range(step * batch, (step + 1) * batch))
        loss = F.cross_entropy(network(_normalised(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
            reported = time.monotonic()
            LOG.warning("step %d of %d on %s, loss %.3f", step + 1, steps, kind, loss.item())


def _share_of_rate(progress: float) -> float:
    """Return the learning rate as a share of the highest: a linear rise, and half a cosine."""
    return min(1.0, (progress + 0.01) / WARM_UP) * (1 + math.cos(math.pi * progress)) / 2


def test(network: MarkReader, pictures: Pictures) -> Answers:
    """Return what a network answers to pictures with and without marks."""
    with determinism.mode(torch.device("cpu")), torch.no_grad():
        answers = {edit: _OfEdit.of(network, pictures, edit) for edit in EDITS}
    return Answers(
        accuracy=answers["as drawn"].accuracy,
        none=answers["unmarked"].none,
        unmarked=answers["unmarked"].probability,
        surroundings=answers["surroundings"].accuracy,
        covered=answers["covered"].probability,
        blurred=answers["blurred"].probability,
    )


@dataclass(frozen=True)
class _OfEdit:
    """Answers to test pictures with one edit."""

    accuracy: float
    none: float
    probability: float

    @classmethod
    def of(cls, network: MarkReader, pictures: Pictures, edit: Edit) -> "_OfEdit":
        images, labels = pictures.tests(TESTS, edit)
        logits = [network(_normalised(part)) for part in images.split(PICTURES)]
        probabilities = torch.cat(logits).softmax(1)
        first = probabilities.argmax(1)
        return cls(
            (first == labels).float().mean().item(),
            (first == _marks.CLASSES).float().mean().item(),
            probabilities.gather(1, labels[:, None]).mean().item(),
        )


def _normalised(images: Images) -> Images:
    return ((images - MEAN) / STD).contiguous(memory_format=torch.channels_last)
