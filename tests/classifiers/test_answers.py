"""Answers of classifiers to fixed pictures, by which an edit of their code is noticed."""

from dataclasses import replace
from itertools import count

import torch

from tests.conftest import Convolutional, toy
from unsee import Classifier, Framing
from unsee.classifiers import answers


def black_box(function, **settings):
    return Classifier(
        function, (0.4,) * 3, (1.0,) * 3, Framing((24, 24)), differentiable=False, **settings
    )


def test_answers_are_compared_by_the_scale_of_what_the_pictures_change() -> None:
    first = [0.0, -1e4, 1.0, -1e4, 2.0, -1e4, 3.0, -1e4]  # two outputs, one of a masked class
    second = [0.02, -1e4, 1.0, -1e4 - 20, 2.02, -1e4, 3.0, -1e4]
    assert not answers.differ(first, second, 0.01)
    assert answers.differ(first, [0.04, *second[1:]], 0.01)
    assert answers.differ(first, [-1e4, 0.0, *first[2:]], 0.3)
    assert answers.differ(first, first[:4], 0.3)
    assert not answers.differ(first, (), 0.0)  # of an earlier version
    assert not answers.differ([0.0] * 4, [0.0] * 4, 0.01)


def test_only_a_classifier_that_repeats_its_answers_has_any() -> None:
    assert answers.answers_of(black_box(lambda x: x.mean((2, 3)) / 0, outputs="softmax")) == ()
    calls = count()
    chance = black_box(lambda x: torch.full((len(x), 2), next(calls) / 7), outputs="softmax")
    assert answers.answers_of(chance) == ()
    classifier = black_box(lambda x: 20 * x.mean((2, 3)))
    assert len(answers.answers_of(classifier)) == 3 * len(answers.CELLS)
    assert answers.tolerance_of(classifier) == answers.ROUNDED
    network = replace(toy(Convolutional(5)), precision=torch.bfloat16)
    assert answers.tolerance_of(network) == answers.ROUNDED_HALF


def test_rounded_probabilities_are_compared_as_they_are() -> None:
    def rounded(share):
        def function(x):
            p = share * (x[:, 0].mean((1, 2)) - 0.115).clamp(min=0)
            return torch.stack([p, 1 - p], 1).mul(100).round().div(100)

        return answers.answers_of(black_box(function))

    first, second = rounded(2.0), rounded(1.99)
    assert min(first) < 1e-9  # whose logarithm would be the scale of all
    assert not answers.differ(first, second, 0.05)
    assert answers.differ(first, rounded(1.0), 0.05)


def test_answers_follow_weights_that_change_in_place() -> None:
    model, other = Convolutional(), Convolutional()
    with torch.no_grad():
        other.head.bias.add_(torch.arange(5.0))
    classifier = toy(model)
    stored = answers.Answers.of(classifier)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert stored.are_of(classifier)
    model.load_state_dict(other.state_dict())
    assert not stored.are_of(classifier)
    model.load_state_dict(own)
    assert stored.are_of(classifier)
