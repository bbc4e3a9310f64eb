"""The measure `Against`: the target class against a contrast class."""

import pytest
import torch

from unsee import Against, Classifier, InputError, Study, explain


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (9, "not in 0..4"),
        (-1, "not in 0..4"),
        (2, "is the target"),
        ("9", "not in 0..4"),
        ("beagle", "no class names"),
        (1.0, "as a class number"),
    ],
)
def test_contrast_must_be_another_class(network, images, contrast, words, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, "gradient", targets=2, measure=Against(contrast))


@pytest.mark.parametrize("contrast", ["CUP", "1", 1])
def test_contrast_may_be_a_name(network, images, contrast) -> None:
    named = Classifier(network.model, labels=("tea", "cup", "pot", "jug", "can"))
    score = Study.of(named, images, "gradient", targets="tea", measure=Against(contrast)).score
    assert score.measure == Against(1)


def test_name_has_no_number_without_a_classifier() -> None:
    with pytest.raises(InputError, match="as a class number, got 'cup'"):
        Against("cup")(torch.zeros(1, 2), torch.zeros(1, dtype=torch.long))
