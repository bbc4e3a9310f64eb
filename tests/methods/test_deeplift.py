import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, toy
from unsee import InputError, explain


@pytest.mark.parametrize("chunk", [1, 2, 16])
def test_map_is_independent_of_the_batch_size(images, chunk) -> None:
    expected = explain(toy(Convolutional(), chunk=64), images, "deeplift").saliency
    saliency = explain(toy(Convolutional(), chunk=chunk), images, "deeplift").saliency
    torch.testing.assert_close(saliency, expected, atol=1e-5, rtol=1e-3)


class ReusedActivation(Convolutional):
    """A network that calls one activation module twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        return 10 * self.head(self.act(self.act(self.features(x)) - 0.1).mean((2, 3)))


def test_network_that_reuses_an_activation_is_refused(images) -> None:
    with pytest.raises(InputError, match="called once"):
        explain(toy(ReusedActivation()), images, "deeplift")
