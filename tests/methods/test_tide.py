import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import create, explain
from unsee.methods.tide import INITIAL_SCALE


def test_each_level_is_deleted_and_inserted_once(image, evaluations) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, scales=2, levels=3)
    theta = torch.randn(1, 4 * 4 + 8 * 8, generator=torch.Generator().manual_seed(1))
    loss = method.loss(score, 5, theta).item()
    ((keep, scores),) = evaluations
    assert keep.shape == (1, 6, 1, 8, 8)
    assert loss == pytest.approx((scores[0, :3].mean() - scores[0, 3:].mean()).item(), abs=1e-6)
    torch.testing.assert_close(keep[:, :3], 1 - keep[:, 3:])
    areas = keep[0, 3:].mean((1, 2, 3)).numpy()
    assert (np.floor(areas * 3) == [0, 1, 2]).all()  # one from each third
    ranking = method.ranking(theta)[0, 0, 0].double().numpy()
    for mask in keep[0, 3:, 0].double().numpy():
        shift = np.log(mask / (1 - mask)) - ranking  # the mask is a sigmoid of the shifted ranking
        assert np.ptp(shift) < 1e-3


def test_insertion_zero_is_deletion_alone(image, evaluations) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, scales=1, levels=2, insertion=0.0)
    theta = torch.randn(1, 64, generator=torch.Generator().manual_seed(1))
    loss = method.loss(score, 0, theta).item()
    assert loss == pytest.approx(evaluations[0][1][0, :2].mean().item(), abs=1e-6)


def test_masks_are_constant_at_the_flat_start(image, evaluations) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, levels=4)
    method.loss(score, 0, method.start(score))
    inserted = evaluations[0][0][0, 4:]
    assert inserted.flatten(1).std(1).max() < 1e-6


def test_costs_two_passes_for_each_level_and_step(image) -> None:
    network = toy(Convolutional())
    explain(network, image, create("methods", "tide", steps=5, levels=3, grid=8))
    assert network.passes.backwards == 30
    assert network.passes.forwards == 31  # one to predict the class


def test_warm_start_is_the_standardised_ranking_in_the_finest_grid(image) -> None:
    method = create("methods", "tide", grid=8, scales=2)
    theta = torch.arange(80.0)[None]
    ranking = 3 + 2 * torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    started = method.initializer(theta, ranking)
    assert torch.equal(started[:, :16], theta[:, :16])
    finest, values = started[0, 16:], ranking.flatten()
    expected = INITIAL_SCALE * (values - values.mean()) / values.std(correction=0)
    torch.testing.assert_close(finest, expected, atol=1e-4, rtol=1e-4)


def test_warm_start_from_a_flat_ranking_is_flat(image) -> None:
    method = create("methods", "tide", grid=8, scales=1)
    started = method.initializer(torch.ones(1, 64), torch.full((1, 1, 1, 8, 8), 5.0))
    assert torch.equal(started, torch.zeros(1, 64))
