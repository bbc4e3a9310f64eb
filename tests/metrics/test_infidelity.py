"""Infidelity of the true map of a linear network."""

import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from tests.metrics.conftest import rate

pytest.importorskip("captum")


def test_infidelity_is_zero_for_the_true_linear_map(image) -> None:
    weight = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(5))

    class Linear(nn.Module):
        def forward(self, x):
            logit = (x.sum(1) * weight).sum((1, 2)) / 100
            return torch.stack([torch.zeros_like(logit), logit], 1)

    score = masked_score(toy(Linear()), image, measure=lambda logits, t: logits[:, 1])
    exact, other = rate("infidelity", score, weight), rate("infidelity", score, -weight.flip(1))
    assert exact == pytest.approx(0, abs=1e-4)
    assert other > 100 * max(exact, 1e-6)
    assert rate("infidelity", score, 7 * weight) == pytest.approx(exact, abs=1e-4)
