"""The choice of alpha on held-out images."""

import pytest
import torch

from tests.metrics.conftest import RECTANGLE, rectangle, truths
from unsee import InputError, create
from unsee.metrics._tuning import tune_alpha


def test_alpha_is_the_first_of_the_best(score) -> None:
    saliency = 0.3 * torch.ones(1, 32, 32) + 0.7 * rectangle()
    labels = truths(RECTANGLE)
    metric = tune_alpha(create("metrics", "localisation", alpha=0.0), score, saliency, labels)
    assert metric.alpha == 0.35  # the first above the map's value around the rectangle
    assert metric.rate(score, saliency, labels).item() == 0


def test_metric_without_alpha_is_refused(score, noise) -> None:
    with pytest.raises(InputError, match="no setting 'alpha'"):
        tune_alpha(create("metrics", "gini"), score, noise)
