import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee.masking.minimise import minimise
from unsee.masking.optimizers import Adam, LineSearch, Nesterov


@pytest.mark.parametrize(
    "optimizer",
    [Adam(0.1, fade=200), Nesterov(0.05), LineSearch(100.0), LineSearch(9.0, grow=5)],
    ids=repr,
)
def test_each_image_converges_to_its_own_optimum(optimizer) -> None:
    optimum = torch.tensor([[0.2, 0.9], [0.7, 0.1]])
    path = minimise(
        lambda score, step, theta: (theta - score.images[:, 0, 0]).square().sum(1),
        masked_score(toy(Convolutional()), optimum.view(2, 1, 1, 2)),
        torch.full((2, 2), 0.5),
        optimizer,
        lambda theta: theta.clamp(0, 1),
    )
    for _ in range(200):
        last = next(path)
    torch.testing.assert_close(last.theta, optimum, atol=1e-2, rtol=0)
