"""Pictures and masks for in-fillers."""

import pytest
import torch


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def keep():
    keep = torch.ones(2, 2, 1, 40, 48)
    keep[0, 0, :, 8:24, 8:30] = 0
    keep[1, 0, :, 20:36, 5:20] = 0
    keep[:, 1, :, :, 30:] = 0
    return keep
