import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import create, explain
from unsee.masking import masks
from unsee.methods import _prior, tide


def test_each_level_is_deleted_and_inserted_once(image, evaluations) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, levels=3)
    theta = torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
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
    method = create("methods", "tide", grid=8, levels=2, insertion=0.0)
    theta = torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    loss = method.loss(score, 0, theta).item()
    assert loss == pytest.approx(evaluations[0][1][0, :2].mean().item(), abs=1e-6)


def test_masks_are_constant_at_the_flat_start(image, evaluations) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, levels=4, prior=0.0)
    method.loss(score, 0, method.start(score))
    inserted = evaluations[0][0][0, 4:]
    assert inserted.flatten(1).std(1).max() < 1e-6


def test_costs_two_passes_for_each_level_and_step_and_two_for_the_first_ranking(image) -> None:
    network = toy(Convolutional())
    explain(network, image, create("methods", "tide", steps=5, levels=3, grid=8))
    assert network.passes.backwards == 31  # one for the first ranking
    assert network.passes.forwards == 33  # that one, the predicted class, and its probability


@pytest.mark.parametrize("passes", [1, 5, 6, 40])
def test_a_budget_pays_for_the_first_ranking_too(image, passes: int) -> None:
    network = toy(Convolutional())
    explain(network, image, "tide", grid=8, budget=passes)
    assert network.passes.forwards <= 1 + max(passes, 2)


def test_warm_start_is_the_standardised_ranking(image) -> None:
    method = create("methods", "tide", grid=8, prior=3.0)
    ranking = 3 + 2 * torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    started = method.initializer(torch.zeros(1, 1, 1, 8, 8), ranking)
    expected = 3 * (ranking - ranking.mean()) / ranking.std(correction=0)
    torch.testing.assert_close(started, expected, atol=1e-4, rtol=1e-4)


def test_warm_start_from_a_flat_ranking_is_flat(image) -> None:
    method = create("methods", "tide", grid=8)
    started = method.initializer(torch.ones(1, 1, 1, 8, 8), torch.full((1, 1, 1, 8, 8), 5.0))
    assert torch.equal(started, torch.zeros(1, 1, 1, 8, 8))


def test_without_steps_the_map_is_the_first_ranking(image) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create("methods", "tide", grid=8, steps=0, blur=0.0)
    expected = masks.resize(_prior.first_ranking(score, 8), image.shape[-2:])[:, 0, 0]
    torch.testing.assert_close(method.attribute(score), expected, atol=1e-5, rtol=1e-5)


def test_the_map_of_an_impossible_class_is_the_first_ranking(image, monkeypatch) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    first, steps = (create("methods", "tide", grid=8, steps=n) for n in (0, 20))
    assert (steps.attribute(score) - first.attribute(score)).abs().max() > 0.1
    monkeypatch.setattr(tide, "confidence", lambda score: torch.zeros(len(score.images)))
    torch.testing.assert_close(steps.attribute(score), first.attribute(score))


def test_manifest_states_the_weight_of_each_measure(image) -> None:
    network = toy(Convolutional())
    images = torch.cat([image, image.flip(-1)])
    explanation = explain(network, images, "tide", grid=8, steps=2)
    for row, p in enumerate(network.probabilities(images).gather(1, explanation.targets[:, None])):
        (weights,) = explanation[row].provenance["measure_weights"]
        assert weights == {
            "probability": pytest.approx(p.item(), abs=1e-5),
            "log_odds": pytest.approx(1 - p.item(), abs=1e-5),
        }


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({"measure": "log_odds"}, {"log_odds": 1.0}),
        ({"prior": 0.0}, {"probability": 1.0}),
        ({"steps": 0}, {"probability": 0.0, "log_odds": 1.0}),
    ],
)
def test_one_measure_has_the_whole_weight(image, settings, weights) -> None:
    explanation = explain(toy(Convolutional()), image, "tide", **{"grid": 8, "steps": 1} | settings)
    assert explanation.provenance["measure_weights"] == [weights]
