import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import on_grey, probabilities
from unsee import create


def test_loss_equals_numpy(image) -> None:
    network = toy(Convolutional())
    method = create("methods", "mp", grid=8, sparsity=0.01, smoothness=0.02, jitter=0)
    theta = torch.rand(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    m = theta[0, 0, 0].numpy()
    fine = torch.nn.functional.interpolate(theta[0], (32, 32), mode="bilinear")[0].numpy()
    variation = (np.abs(np.diff(m, axis=0)) ** 3).sum() + (np.abs(np.diff(m, axis=1)) ** 3).sum()
    p = probabilities(network, [on_grey(fine, image[0].numpy())])[0]
    expected = p + 0.01 * (1 - m).sum() + 0.02 * variation
    loss = method.loss(masked_score(network, image), 0, theta).item()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_jitter_differs_between_steps_and_is_reproducible(image) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = create("methods", "mp", grid=8)
    theta = torch.full((1, 1, 1, 8, 8), 0.5)
    losses = {method.loss(score, step, theta).item() for step in range(6)}
    assert len(losses) > 2
    assert method.loss(score, 3, theta) == method.loss(score, 3, theta)
