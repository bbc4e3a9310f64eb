"""What every metric promises; a new file in metrics/ is tested without a line here."""

import dataclasses

import pytest
import torch

from tests.conftest import Corner, Shifted, question, toy
from unsee import InputError, available, create
from unsee.metrics._curves import PROTOCOLS
from unsee.metrics.base import Truth
from unsee.registry import part, settings_of, summary


def variants():
    """Each metric, under each protocol if it has some."""
    for name in available("metrics"):
        fields = {field.name for field in dataclasses.fields(part("metrics", name))}
        for protocol in PROTOCOLS if "protocol" in fields else [None]:
            label = f"{name}-{protocol}" if protocol else name
            yield pytest.param((name, protocol), id=label)


@pytest.fixture(params=variants())
def metric(request):
    name, protocol = request.param
    settings = {"protocol": protocol} if protocol else {}
    if "segments" in {field.name for field in dataclasses.fields(part("metrics", name))}:
        settings["segments"] = 16
    return create("metrics", name, **settings)


@pytest.fixture
def truth():
    truth = torch.zeros(3, 32, 32)
    truth[:, :16, :16] = 1
    return truth


METHOD = create("methods", "sliding_patch", patch=16, stride=16)


@pytest.fixture
def witness():
    """Another classifier of the same classes, whose input is of another size."""
    return toy(Shifted(Corner()), size=24)


TRUTHS = [Truth(torch.tensor([[0.0, 0.0, 16.0, 16.0]]))] * 3


def test_prefers_the_truth_to_its_inverse(metric, classifier, images, truth, witness) -> None:
    if not metric.compares:
        pytest.skip("a statistic of the map")
    score = question(classifier, images)
    better, worse = (
        metric.rate(score, map_, TRUTHS, METHOD, [witness]) for map_ in (truth, 1 - truth)
    )
    assert better.shape == (3,)
    if not metric.higher_is_better:
        better, worse = worse, better
    assert (better >= worse if metric.coarse else better > worse).all()


def test_stays_within_bounds(metric, network, images, truth, witness) -> None:
    low, high = metric.bounds
    for saliency in (truth, torch.zeros_like(truth), torch.rand(3, 32, 32), -truth, 7 * truth):
        rated = metric.rate(question(network, images), saliency, TRUTHS, METHOD, [witness])
        rated = rated[~rated.isnan()]
        assert (rated >= low - 1e-5).all()
        assert (rated <= high + 0.03).all()


def test_alone_as_in_a_batch(metric, network, images, witness) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))
    saliency[saliency < 0.7] = 0  # ties
    together = metric.rate(question(network, images), saliency, TRUTHS, METHOD, [witness])
    for i in range(3):
        score = question(network, images).rows(torch.tensor([i]))
        alone = metric.rate(score, saliency[i : i + 1], TRUTHS[:1], METHOD, [witness])
        torch.testing.assert_close(alone, together[i : i + 1], equal_nan=True, atol=1e-4, rtol=1e-4)


def test_one_pixel_and_constant_maps_are_rated(metric, network, images, witness) -> None:
    one = torch.zeros(3, 32, 32)
    one[:, 5, 5] = 1
    for saliency in (one, torch.full((3, 32, 32), 0.3)):
        rated = metric.rate(question(network, images), saliency, TRUTHS, METHOD, [witness])
        assert rated.shape == (3,)
        assert not rated.isinf().any()


def test_takes_maps_of_any_numbers(metric, network, images, truth, witness) -> None:
    score = question(network, images)
    wanted = metric.rate(score, truth, TRUTHS, METHOD, [witness])
    for maps in (truth.double().numpy(), truth.half(), truth.int().numpy()):
        found = metric.rate(score, maps, TRUTHS, METHOD, [witness])
        torch.testing.assert_close(found, wanted, equal_nan=True)


def test_refuses_maps_that_do_not_fit(metric, network, images, witness) -> None:
    score = question(network, images)
    for shape in ((2, 32, 32), (3, 40, 40), (3, 16, 48), (32, 32), (1, 3, 3, 32, 32)):
        with pytest.raises(InputError, match="shape"):
            metric.rate(score, torch.zeros(shape), TRUTHS, METHOD, [witness])
    with pytest.raises(InputError, match="finite"):
        metric.rate(score, torch.full((3, 32, 32), torch.nan), TRUTHS, METHOD, [witness])


def test_says_that_it_must_know_the_object(metric, network, images, truth, witness) -> None:
    if not metric.needs_truth:
        pytest.skip("needs no truth")
    score = question(network, images)
    with pytest.raises(InputError, match="3 truths, got 0"):
        metric.rate(score, truth)
    assert metric.rate(score, truth, [Truth()] * 3).isnan().all()


def test_says_that_it_must_know_the_method(metric, network, images, truth) -> None:
    if not metric.needs_method:
        pytest.skip("rates maps, whatever made them")
    with pytest.raises(InputError, match="expected `method`"):
        metric.rate(question(network, images), truth, TRUTHS)


def test_says_that_it_must_ask_others(metric, network, images, truth) -> None:
    if not metric.needs_reference_classifiers:
        pytest.skip("asks no other classifier")
    with pytest.raises(InputError, match="expected `reference_classifiers`"):
        metric.rate(question(network, images), truth, TRUTHS)


def test_is_documented_and_listed(metric) -> None:
    name = settings_of(metric)["name"]
    assert name in available("metrics")
    assert summary("metrics", name).endswith(".")  # whole in one line
    assert hash(metric) == hash(create("metrics", **settings_of(metric)))


def test_unknown_protocols_are_refused(metric) -> None:
    if not hasattr(metric, "protocol"):
        pytest.skip("has no protocol")
    with pytest.raises(InputError, match="did you mean 'rise'"):
        type(metric)(protocol="rice")
