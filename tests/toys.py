"""Classifiers that other processes can load by name: tests.toys:classifier, tests.toys:corner."""

import os
import signal
from pathlib import Path

import torch
from torch import nn

from tests.conftest import Convolutional, toy


def classifier():
    return toy(Convolutional(), size=24)


def dies_once():
    """Kill the first process that loads it; later ones get `classifier`."""
    try:
        Path(os.environ["UNSEE_TEST_DIE_ONCE"]).touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        pass
    return classifier()


def corner():
    return toy(CornerNetwork(), size=24)


def two_sides():
    return toy(CornerNetwork(middle=0.1), size=24)


class CornerNetwork(nn.Module):
    """Class 1 is bright in the upper left quarter; its feature maps show where it is bright."""

    def __init__(self, middle: float = 0.0) -> None:
        super().__init__()
        self.middle = middle
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 4, 4)
        nn.init.constant_(self.stem.weight[0], 1 / 48)
        nn.init.zeros_(self.stem.bias)

    def forward(self, x):
        features = self.stem(x)
        h, w = features.shape[-2:]
        bright = features[:, 0, : h // 2, : w // 2].mean((1, 2))
        return torch.stack([torch.zeros_like(bright), 6 * (bright - self.middle)], 1)


def three_sides():
    return toy(ThreeClassNetwork(middle=0.1), size=24)


class ThreeClassNetwork(CornerNetwork):
    """Class 2 is bright everywhere."""

    def forward(self, x):
        brightness = self.stem(x)[:, 0].mean((1, 2))
        return torch.cat([super().forward(x), 60 * (brightness[:, None] - 0.4)], 1)


class Patches(nn.Module):
    """Beginning of a transformer: one map of patches, then tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 4, 4, 4)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.norm(self.patch(x).flatten(2).mT).mean(1))


def patches():
    return toy(Patches(), size=24)


def grey():
    return toy(Convolutional(channels=1), size=24, channels=1)
