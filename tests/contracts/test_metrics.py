"""What every metric promises; a new file in metrics/ is tested without a line here."""

import pytest
import torch

from tests.conftest import question
from unsee import InputError, available, create
from unsee.curves import PROTOCOLS
from unsee.registry import settings_of, summary


@pytest.fixture(params=[(m, p) for m in available("metrics") for p in PROTOCOLS])
def metric(request):
    name, protocol = request.param
    return create("metrics", name, protocol=protocol)


@pytest.fixture
def truth():
    truth = torch.zeros(3, 32, 32)
    truth[:, :16, :16] = 1
    return truth


def test_prefers_the_truth_to_its_inverse(metric, classifier, images, truth) -> None:
    score = question(classifier, images)
    better, worse = metric.rate(score, truth), metric.rate(score, -truth)
    assert better.shape == (3,)
    assert (better > worse if metric.higher_is_better else better < worse).all()


def test_stays_within_bounds(metric, network, images, truth) -> None:
    for saliency in (truth, torch.zeros_like(truth), torch.rand(3, 32, 32)):
        rated = metric.rate(question(network, images), saliency)
        assert (rated >= 0).all()
        assert (rated <= 1.03).all()


def test_alone_as_in_a_batch(metric, network, images) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))
    saliency[saliency < 0.7] = 0  # ties
    together = metric.rate(question(network, images), saliency)
    for i in range(3):
        alone = metric.rate(question(network, images[i : i + 1]), saliency[i : i + 1])
        torch.testing.assert_close(alone, together[i : i + 1])


def test_only_the_order_counts(metric, network, images) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))
    score = question(network, images)
    if metric.protocol == "rise":  # igos samples the map at cells, which a power would bend
        rated = metric.rate(score, saliency**3)
    else:
        rated = metric.rate(score, 5 * saliency - 2)
    torch.testing.assert_close(metric.rate(score, saliency), rated)


def test_refuses_maps_that_do_not_fit(metric, network, images) -> None:
    score = question(network, images)
    with pytest.raises(InputError, match="shape"):
        metric.rate(score, torch.zeros(3, 16, 16))
    with pytest.raises(InputError, match="finite"):
        metric.rate(score, torch.full((3, 32, 32), torch.nan))


def test_is_documented_and_listed(metric) -> None:
    name = settings_of(metric)["name"]
    assert name in available("metrics")
    assert summary("metrics", name)
    assert hash(metric) == hash(create("metrics", **settings_of(metric)))


def test_unknown_protocols_are_refused(metric) -> None:
    with pytest.raises(InputError, match="did you mean 'rise'"):
        type(metric)(protocol="rice")
