import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import on_grey, probabilities
from unsee import create


def test_loss_penalises_deviation_from_the_area(image) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = create(
        "methods", "extremal_perturbation", areas=(0.25,), cell=8, smoothness=1.0, weight=10.0,
        flips=False,
    )  # fmt: skip
    theta = method.start(score)
    theta = torch.rand(theta.shape, generator=torch.Generator().manual_seed(1))
    keep = method.importance(score, theta)[0].double().numpy()
    p = probabilities(score.classifier, [on_grey(keep[None], image[0].numpy())])[0]
    reference = (np.linspace(0, 1, 1024) >= 0.75).astype(float)
    deviation = ((np.sort(keep.ravel()) - reference) ** 2).mean()
    assert method.loss(score, 0, theta).item() == pytest.approx(-p + 10 * deviation, abs=1e-4)
    later = method.loss(score, 100, theta).item()
    assert later == pytest.approx(-p + 10 * 1.0035**100 * deviation, abs=1e-3)


def test_masks_are_smooth_maxima_of_bumps() -> None:
    method = create("methods", "extremal_perturbation", cell=4, smoothness=6.0)
    score = masked_score(toy(Convolutional(), size=16), torch.zeros(1, 3, 16, 16))
    theta = torch.rand(method.start(score).shape)
    margin = (theta.shape[-1] - 4) // 2  # cells beyond each border of the image
    y, x = 5, 9
    values = [
        theta[0, 0, 0, i, j].item()
        * np.exp(-2 * (((y - ((i - margin + 0.5) * 4 - 0.5)) / 6) ** 2))
        * np.exp(-2 * (((x - ((j - margin + 0.5) * 4 - 0.5)) / 6) ** 2))
        for i in range(y // 4, y // 4 + 2 * margin + 1)
        for j in range(x // 4, x // 4 + 2 * margin + 1)
    ]
    v = np.array(values)
    expected = (v * np.exp(20 * v)).sum() / np.exp(20 * v).sum()
    saliency = method.importance(score, theta)
    assert saliency[0, y, x].item() == pytest.approx(expected, abs=1e-5)
