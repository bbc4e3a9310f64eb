"""A classifier for the corpus: 32 x 32 pixels, five classes, milliseconds for a map."""

import torch
from torch import nn

from unsee import Classifier, Framing

NAME = "tests.hostile.toy:classifier"
METHOD = "sliding_patch:patch=16,stride=16"
SIDE = 32


def network(classes=5):
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(4, classes)).eval()


def classifier():
    return Classifier(
        network(), mean=(0.4,) * 3, std=(1.0,) * 3, framing=Framing((SIDE, SIDE)), chunk=16
    )
