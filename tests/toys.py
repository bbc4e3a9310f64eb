"""Classifiers that other processes can load by name: tests.toys:classifier, tests.toys:corner."""

import torch
from torch import nn

from tests.conftest import Convolutional, toy


def classifier():
    return toy(Convolutional(), size=24)


def corner():
    return toy(Looking(), size=24)


def two_sides():
    return toy(Looking(middle=0.1), size=24)


class Looking(nn.Module):
    """Class 1 is bright in the upper left quarter; its feature maps tell where it is bright."""

    def __init__(self, middle: float = 0.0) -> None:
        super().__init__()
        self.middle = middle
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 4, 4)
        nn.init.constant_(self.stem.weight[0], 1 / 48)
        nn.init.zeros_(self.stem.bias)

    def forward(self, x):
        seen = self.stem(x)
        h, w = seen.shape[-2:]
        bright = seen[:, 0, : h // 2, : w // 2].mean((1, 2))
        return torch.stack([torch.zeros_like(bright), 6 * (bright - self.middle)], 1)
