import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import mean_square_variation, on_grey, probabilities
from unsee import create


@pytest.mark.parametrize("mode", ["ssr", "sdr"])
def test_loss_equals_numpy(image, mode) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = create("methods", "bbmp", grid=32, mode=mode, sparsity=0.01, smoothness=0.02)
    theta = torch.rand(1, 1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    m = theta[0, 0, 0].double().numpy()
    p = probabilities(score.classifier, [on_grey(m[None], image[0].numpy())])[0]
    sign, cost = (-1, m.sum()) if mode == "ssr" else (1, (1 - m).sum())
    expected = sign * p + 0.01 * cost + 0.02 * 1024 * mean_square_variation(m)
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-3)
