import pytest
import torch

from unsee import InputError
from unsee.datasets.base import Sample, Samples, filter_classes, parse_classes


@pytest.mark.parametrize(
    ("text", "classes"), [("", set()), ("3", {3}), ("0-2,7", {0, 1, 2, 7}), ("5, 6", {5, 6})]
)
def test_classes_are_parsed(text, classes) -> None:
    assert parse_classes(text) == classes


@pytest.mark.parametrize("text", ["cat", "-3", "1-b", "²", "9" * 5000, "0-99999999999"])
def test_malformed_classes_are_refused(text) -> None:
    with pytest.raises(InputError, match="expected classes as 0-49,120"):
        parse_classes(text)


def test_samples_are_filtered() -> None:
    samples = [Sample(str(n), lambda channels: torch.zeros(channels, 2, 2), n) for n in range(4)]
    assert [s.target for s in filter_classes(samples, "1-2")] == [1, 2]
    assert filter_classes(samples, "") == samples


def test_notes_are_kept_when_samples_are_filtered() -> None:
    samples = Samples([Sample("a", lambda channels: torch.zeros(channels, 2, 2), 1)], ["a note"])
    assert filter_classes(samples, "2").notes == ("a note",)


@pytest.mark.parametrize("text", ["1-", "-1", "5-1"])
def test_ranges_without_two_ends_in_order_are_refused(text) -> None:
    with pytest.raises(InputError, match="expected classes"):
        parse_classes(text)
