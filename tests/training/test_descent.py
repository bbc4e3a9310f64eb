import pytest
import torch
from accelerate import Accelerator

from unsee import InputError
from unsee.training.descent import cosine_rate, descend


def test_step_with_a_gradient_that_is_not_finite_changes_nothing() -> None:
    network = torch.nn.Linear(2, 1)
    before = network.weight.detach().clone()
    adam = torch.optim.Adam(network.parameters())
    loss = (network(torch.ones(1, 2)) * 0).sqrt().sum()  # finite; its gradient is not
    assert loss.isfinite()
    with pytest.raises(InputError, match="gradient is not finite"):
        descend(Accelerator(cpu=True), adam, network, loss, 1.0)
    assert torch.equal(network.weight, before)


def test_cosine_rate_falls_from_full_to_zero() -> None:
    assert [cosine_rate(2.0, p) for p in (0.0, 0.5, 1.0, 1.5)] == pytest.approx([2, 1, 0, 0])
