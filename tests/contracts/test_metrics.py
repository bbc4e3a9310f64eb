"""Contracts of all metrics; a new file in metrics/ is tested without a change here."""

import dataclasses
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from unsee import InputError, Study, available, black_box, create
from unsee.metrics._curves import PROTOCOLS
from unsee.metrics.base import Truth
from unsee.registry import part, settings_of, summary

METHOD = create("methods", "sliding_patch", patch=16, stride=16)
TRUTHS = [Truth(torch.tensor([[0.0, 0.0, 16.0, 16.0]]))] * 3
SMALL = {"segments": 16}
"""Settings under which any metric is fast on 32 x 32 pixels."""


def variants():
    """Each metric by its label, once for each protocol if it has protocols."""
    for name in available("metrics"):
        fields = {field.name for field in dataclasses.fields(part("metrics", name))}
        settings = {key: value for key, value in SMALL.items() if key in fields}
        if "protocol" not in fields:
            yield name, create("metrics", name, **settings)
            continue
        for protocol in PROTOCOLS:
            yield f"{name}-{protocol}", create("metrics", name, protocol=protocol, **settings)


def directed_variants():
    """Each metric that ranks maps, once for each value of each setting that has a list of values.

    Its direction may depend on them.
    """
    for label, metric in METRICS.items():
        if not metric.ranks_maps:
            continue
        yield label, metric
        for setting, hint in get_type_hints(type(metric)).items():
            for value in get_args(hint) if get_origin(hint) is Literal else ():
                if value != getattr(metric, setting):
                    variant = dataclasses.replace(metric, **{setting: value})
                    yield f"{label}-{setting}={value}", variant


METRICS = dict(variants())
DIRECTED = dict(directed_variants())


def metrics_with(flag: str):
    """Parametrise a test over the metrics that have this flag, or this setting."""
    labels = [label for label, metric in METRICS.items() if getattr(metric, flag, False)]
    return pytest.mark.parametrize("metric", [METRICS[label] for label in labels], ids=labels)


every_metric = pytest.mark.parametrize("metric", list(METRICS.values()), ids=list(METRICS))


@pytest.fixture
def truth():
    """The map of the object that the classifier `Corner` depends on."""
    truth = torch.zeros(3, 32, 32)
    truth[:, :16, :16] = 1
    return truth


@pytest.fixture
def rate():
    """Rate maps with all that any metric needs.

    The other classifier has the same classes, and inputs of another size.
    """
    return lambda metric, score, maps: metric.rate(
        score, maps, TRUTHS[: len(score.images)], METHOD, [toy(score.classifier.model, size=24)]
    )


@pytest.mark.parametrize("metric", list(DIRECTED.values()), ids=list(DIRECTED))
def test_true_map_is_better_than_its_inverse(metric, classifier, images, truth, rate) -> None:
    score = masked_score(classifier, images)
    better, worse = rate(metric, score, truth), rate(metric, score, 1 - truth)
    assert better.shape == (3,)
    if not metric.higher_is_better:
        better, worse = worse, better
    assert (better >= worse if metric.has_ties else better > worse).all()


@every_metric
def test_values_are_within_bounds(metric, network, images, truth, rate) -> None:
    low, high = metric.bounds
    for saliency in (truth, torch.zeros_like(truth), torch.rand(3, 32, 32), -truth, 7 * truth):
        values = rate(metric, masked_score(network, images), saliency)
        values = values[~values.isnan()]
        assert (values >= low - 1e-5).all()
        assert (values <= high + 0.03).all()


@every_metric
def test_value_is_independent_of_batch(metric, network, images, rate) -> None:
    saliency = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(3))
    saliency[saliency < 0.7] = 0  # ties
    batch = rate(metric, masked_score(network, images), saliency)
    for i in range(3):
        score = masked_score(network, images).rows(torch.tensor([i]))
        alone = rate(metric, score, saliency[i : i + 1])
        torch.testing.assert_close(alone, batch[i : i + 1], equal_nan=True, atol=1e-4, rtol=1e-4)


@every_metric
def test_single_pixel_and_constant_maps_are_served(metric, network, images, rate) -> None:
    pixel = torch.zeros(3, 32, 32)
    pixel[:, 5, 5] = 1
    for saliency in (pixel, torch.full((3, 32, 32), 0.3)):
        values = rate(metric, masked_score(network, images), saliency)
        assert values.shape == (3,)
        assert not values.isinf().any()


@every_metric
def test_maps_of_any_dtype_are_served(metric, network, images, truth, rate) -> None:
    score = masked_score(network, images)
    expected = rate(metric, score, truth)
    for maps in (truth.double().numpy(), truth.half(), truth.int().numpy()):
        torch.testing.assert_close(rate(metric, score, maps), expected, equal_nan=True)


@every_metric
def test_maps_that_do_not_fit_are_refused(metric, network, images, rate) -> None:
    score = masked_score(network, images)
    for shape in ((2, 32, 32), (3, 40, 40), (3, 16, 48), (32, 32), (1, 3, 3, 32, 32)):
        with pytest.raises(InputError, match="shape"):
            rate(metric, score, torch.zeros(shape))
    with pytest.raises(InputError, match="finite"):
        rate(metric, score, torch.full((3, 32, 32), torch.nan))


@metrics_with("needs_truth")
def test_missing_labels_are_named(metric, network, images, truth) -> None:
    score = masked_score(network, images)
    with pytest.raises(InputError, match="expected 3 truths, got 0"):
        metric.rate(score, truth)
    assert metric.rate(score, truth, [Truth()] * 3).isnan().all()


@metrics_with("needs_method")
def test_missing_method_is_named(metric, network, images, truth) -> None:
    with pytest.raises(InputError, match="expected `method`"):
        metric.rate(masked_score(network, images), truth, TRUTHS)


@metrics_with("needs_reference_classifiers")
def test_missing_reference_classifiers_are_named(metric, network, images, truth) -> None:
    with pytest.raises(InputError, match="expected `reference_classifiers`"):
        metric.rate(masked_score(network, images), truth, TRUTHS)


@every_metric
def test_metric_is_documented_hashable_and_made_by_its_name(metric) -> None:
    name = settings_of(metric)["name"]
    assert name in available("metrics")
    assert summary("metrics", name).endswith(".")  # a whole sentence on the first line
    assert hash(metric) == hash(create("metrics", **settings_of(metric)))


@metrics_with("protocol")
def test_unknown_protocol_is_refused(metric) -> None:
    with pytest.raises(InputError, match="did you mean 'rise'"):
        type(metric)(protocol="rice")


class Value(nn.Module):
    """Return one number of each image, the value of a regression."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return 1000 * self.layer(x.mean((2, 3)))


def rate_for(metric, classifier):
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    study = Study.of(classifier, image, METHOD, targets=0)
    maps = study.finish().saliency
    references = [classifier] * max(1, metric.least_reference_classifiers)
    return metric.rate(study.score, maps, TRUTHS[:1], METHOD, references)


def check_rated(metric, classifier, is_refused, what) -> None:
    """Check that the classifier is rated, or refused by the check and by the metric itself."""
    if is_refused:
        for refusing in (metric.check_classifier, lambda c: rate_for(metric, c)):
            with pytest.raises(InputError, match=rf"^the metric \w+ needs {what}"):
                refusing(classifier)
    else:
        assert len(rate_for(metric, classifier)) == 1


@every_metric
def test_a_regression_is_rated_unless_a_probability_is_needed(metric) -> None:
    check_rated(
        metric, toy(Value(), outputs="regression"), metric.needs_probability, "a probability"
    )


@every_metric
def test_a_black_box_is_rated_unless_a_network_is_needed(metric) -> None:
    def ask(images: np.ndarray) -> np.ndarray:
        light = images.mean((1, 2, 3))
        return np.stack([light, 1 - light], 1)

    check_rated(metric, black_box(ask, size=(32, 32)), metric.needs_network, "the layers")
