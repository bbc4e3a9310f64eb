import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import create


def test_gradient_flows_through_checkpointed_masks() -> None:
    method = create("methods", "extremal_perturbation", cell=4, smoothness=4.0)
    score = masked_score(toy(Convolutional()), torch.rand(1, 3, 32, 32))
    theta = method.start(score).requires_grad_()
    (gradient,) = torch.autograd.grad(method.loss(score, 0, theta).sum(), theta)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
