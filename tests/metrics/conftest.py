"""An image, its score and its maps, and short forms for the tests of single metrics."""

import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import create
from unsee.metrics.base import Truth

RECTANGLE = (4, 8, 20, 16)
"""x1, y1, x2, y2 of the map `rectangle()`."""


@pytest.fixture
def image():
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def score(image):
    return masked_score(toy(Convolutional()), image)


@pytest.fixture
def noise():
    """A map without equal values."""
    return torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def batch_score(images):
    """Three images, for metrics that compute further maps."""
    return masked_score(toy(Convolutional()), images)


def truths(*boxes):
    """The labels of one image with these boxes."""
    return [Truth(torch.tensor(boxes, dtype=torch.float32))]


def rectangle(left=4, top=8, right=20, bottom=16):
    """A map that is 1 in a rectangle and 0 elsewhere."""
    saliency = torch.zeros(1, 32, 32)
    saliency[:, top:bottom, left:right] = 1
    return saliency


def single_pixel(row, column):
    """A map that is 1 at one pixel and 0 elsewhere."""
    saliency = torch.zeros(1, 32, 32)
    saliency[0, row, column] = 1
    return saliency


def rate(name, score, saliency, labels=(), **settings):
    """The value of one map."""
    return create("metrics", name, **settings).rate(score, saliency, labels).item()


def rate_method(name, score, method, **settings):
    """The values of a method's maps."""
    saliency = method.attribute(score).detach()
    return create("metrics", name, **settings).rate(score, saliency, method=method)


def probability_of(score, picture):
    """The probability of class 1."""
    return score.classifier.logits(picture).softmax(1)[0, 1].item()
