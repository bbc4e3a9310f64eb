"""The measure `Against`: the target class against a contrast class."""

import pytest

from unsee import Against, InputError, explain


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (9, "not in 0..4"),
        (-1, "not in 0..4"),
        (2, "is the target"),
        ("1", "as a class number"),
        (1.0, "as a class number"),
    ],
)
def test_contrast_must_be_another_class(network, images, contrast, words, unchecked) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, "gradient", targets=2, measure=Against(contrast))
