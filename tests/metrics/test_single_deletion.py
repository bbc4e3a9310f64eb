"""Single deletion on a network whose drops follow from its weights."""

import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from tests.metrics.conftest import rate


class LinearInQuarters(nn.Module):
    """A linear function of the mean of each quarter, with weights 4, 3, 2 and 1."""

    def forward(self, x):
        means = nn.functional.adaptive_avg_pool2d(x.mean(1, keepdim=True), 2).flatten(1)
        value = means @ x.new_tensor([4.0, 3.0, 2.0, 1.0])
        return torch.stack([torch.zeros_like(value), value], 1)


def quarters(*values):
    """A map with these values in its four quarters."""
    grid = torch.tensor(values).view(1, 2, 2)
    return grid.repeat_interleave(16, 1).repeat_interleave(16, 2)


@pytest.mark.parametrize(
    ("saliency", "expected"),
    [
        (quarters(4.0, 3.0, 2.0, 1.0), 1),
        (-quarters(4.0, 3.0, 2.0, 1.0), -1),
        (quarters(3.0, 4.0, 2.0, 1.0), 1 - 6 * 2 / (4 * 15)),
        (quarters(1.0, 1.0, 1.0, 1.0), 0),
    ],
    ids=["ordered", "reversed", "swapped", "constant"],
)
def test_correlation_by_hand(saliency, expected) -> None:
    score = masked_score(toy(LinearInQuarters()), torch.ones(1, 3, 32, 32))
    assert rate("single_deletion", score, saliency, grid=2) == pytest.approx(expected)
