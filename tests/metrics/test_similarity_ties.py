import pytest
import torch
from scipy.stats import spearmanr

from unsee.metrics._similarity import pairs


def test_equal_values_share_their_rank() -> None:
    maps = torch.zeros(2, 9, 9)
    maps[0, :3], maps[1, 6:] = torch.rand(3, 9), torch.rand(3, 9)
    expected = spearmanr(maps[0].ravel(), maps[1].ravel()).statistic
    assert pairs(maps) == pytest.approx(expected, abs=1e-6)
    assert pairs(torch.zeros(2, 3, 3)) == 0
