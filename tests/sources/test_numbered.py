"""Class names by number."""

import pytest

from unsee import InputError
from unsee.sources._numbered import in_order


@pytest.mark.parametrize(
    "names",
    [
        {2: "cow", 0: "cat", 1: "dog"},
        {"2": "cow", "0": "cat", "1": "dog"},
        {"0": "cat", 1: "dog", "02": "cow"},
    ],
)
def test_names_are_in_the_order_of_their_numbers(names) -> None:
    assert in_order(names, "id2label", "net") == ("cat", "dog", "cow")


def test_numbers_as_text_are_no_text() -> None:
    names = {str(i): f"LABEL_{i}" for i in sorted(range(12), key=str)}
    assert in_order(names, "id2label", "net")[10] == "LABEL_10"
    assert in_order({}, "id2label", "net") == ()


@pytest.mark.parametrize(
    ("keys", "got"),
    [
        (("0", "2", "5"), "'5'"),
        ((1, 2, 3), "3"),
        ((-1, 0, 1), "-1"),
        (("0", "00", "2"), "'0', '00', '2'"),
        (("cat", "1", "2"), "'cat'"),
        ((0, 1, None), "None"),
        ((5, 6, 7, 8), "5, 6, 7, ..."),
        (("²", "1", "9" * 5000), "'²', '99999"),
    ],
)
def test_numbers_that_are_not_those_of_the_outputs_are_refused(keys, got) -> None:
    names = dict.fromkeys(keys, "cat")
    with pytest.raises(InputError) as error:
        in_order(names, "id2label", "net")
    expected = f"^net: id2label names {len(keys)} classes, expected the numbers 0 to "
    assert error.match(expected)
    assert f"got {got}" in str(error.value)
    assert len(str(error.value)) < 300


def test_the_numbers_of_published_checkpoints_of_imagenet_22k_are_accepted() -> None:
    """They skip two classes of a longer list, which have no output."""
    names = {i: f"class {i}" for i in range(21843) if i not in {9205, 15027}}
    labels = in_order(names, "id2label", "net")
    assert len(labels) == 21841
    assert (labels[9204], labels[9205], labels[-1]) == ("class 9204", "class 9206", "class 21842")
    del names[3]
    with pytest.raises(InputError, match="names 21840 classes"):
        in_order(names, "id2label", "net")
