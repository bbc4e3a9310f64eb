"""Images, and what a toy network predicts for them."""

import pytest
import torch

from tests.conftest import Convolutional, toy

PREPROCESSING = {"size": (32, 32), "mean": (0.4,) * 3, "std": (1.0,) * 3}
"""Settings of sources that equal those of `toy`."""


@pytest.fixture
def images():
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def expected(images):
    return toy(Convolutional()).predict(images)
