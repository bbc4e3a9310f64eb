"""Masked accuracy with classifiers that detect a bright corner, or a dark one."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional, Corner, Shifted, masked_score, toy
from unsee import InputError, create

CORNER = torch.zeros(3, 32, 32)
CORNER[:, :16, :16] = 1


@pytest.fixture
def score(images):
    bright = images.clone()
    bright[:, :, :16, :16] = 1.0
    return masked_score(toy(Shifted(Corner())), bright, target=1)


@pytest.fixture
def classifiers():
    """The first predicts class 1 if the corner is bright, the second if it is not."""
    return [toy(Shifted(Corner()), size=24), toy(Shifted(Corner(-20.0)), size=16)]


@pytest.mark.parametrize(("show", "expected"), [("in", [1, 0]), ("out", [0, 1])])
def test_accuracy_of_each_and_of_both(score, classifiers, show, expected) -> None:
    metric = create("metrics", "masked_accuracy", show=show)
    for classifier, right in zip(classifiers, expected, strict=True):
        values = metric.rate(score, CORNER, reference_classifiers=[classifier])
        assert values.tolist() == [right] * 3
    assert metric.rate(score, CORNER, reference_classifiers=classifiers).tolist() == [0.5] * 3


def test_a_higher_share_is_better_only_of_what_the_map_marks() -> None:
    assert create("metrics", "masked_accuracy").higher_is_better
    assert not create("metrics", "masked_accuracy", show="out").higher_is_better


@pytest.mark.parametrize(("factor", "offset"), [(5.0, -2.0), (0.4, 0.3)])
def test_unit_of_the_map_does_not_matter(score, classifiers, factor, offset) -> None:
    metric = create("metrics", "masked_accuracy", show="out", infiller="telea")
    values = metric.rate(score, factor * CORNER + offset, reference_classifiers=classifiers)
    torch.testing.assert_close(
        values, metric.rate(score, CORNER, reference_classifiers=classifiers)
    )


def test_references_of_other_classes_are_refused(score, classifiers) -> None:
    metric = create("metrics", "masked_accuracy")
    with pytest.raises(InputError, match="5 classes, and the explained classifier 2"):
        metric.rate(score, CORNER, reference_classifiers=[*classifiers, toy(Convolutional())])
    named = replace(score, classifier=toy(Shifted(Corner()), labels=("dark", "bright")))
    other = toy(Shifted(Corner()), labels=("bright", "dark"))
    with pytest.raises(InputError, match="expected the same order of classes"):
        metric.rate(named, CORNER, reference_classifiers=[other])
