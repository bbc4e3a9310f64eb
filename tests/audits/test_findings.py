"""Audits of photos in which it is known what the classifier reads."""

import math

import pytest
import torch

from tests.audits.conftest import SQUARE, causal_test, explained
from unsee.audits.findings import Rules, audit

RULES = Rules(share=SQUARE**2 / 48**2)


def finding_of(audit_, colour, scenes):
    """The cluster of the squares of a colour."""
    (found,) = [
        finding
        for finding in audit_.findings
        if sum(scenes[member.photo].colour == colour for member in finding.members)
        > len(finding.members) / 2
    ]
    return found


def test_square_that_the_classifier_reads_is_a_cause_and_another_is_not(scenes) -> None:
    result = audit(explained(scenes), causal_test(scenes), RULES)
    red, blue = (finding_of(result, colour, scenes) for colour in ("red", "blue"))
    assert red.verdict == "cause"
    assert blue.verdict == "not proven"
    assert red.photos == 12
    assert red.share == pytest.approx(1 / 3)
    assert red.targets == [(1, 12)]
    assert red.removal.change.low > 0.5
    assert abs(red.removal.control.value) < 0.1
    assert red.transplant.change.low > 0.5
    assert abs(blue.removal.change.value) < 0.05
    assert math.isnan(red.inside)
    assert result.findings[0] is red
    assert result.photos == 36


@pytest.mark.parametrize("on_object", [True, False])
def test_cause_outside_the_objects_is_a_shortcut(scenes, on_object) -> None:
    inside = lambda one: one.place if on_object else ~one.place  # noqa: E731
    result = audit(explained(scenes, inside), causal_test(scenes), RULES)
    red = finding_of(result, "red", scenes)
    assert red.verdict == ("object" if on_object else "shortcut")
    assert red.inside == pytest.approx(float(on_object), abs=0.05)
    assert len(result.shortcuts) == (not on_object)


def test_control_without_a_pattern_has_no_findings_that_cause(scenes) -> None:
    plain = {name: one for name, one in scenes.items() if one.colour is None}
    photos = explained(plain)
    for number, photo in enumerate(photos):
        g = torch.Generator().manual_seed(number)
        object.__setattr__(photo, "saliency", torch.rand(6, 6, generator=g).kron(torch.ones(8, 8)))
    result = audit(photos, causal_test(plain), Rules(share=0.1, weight=0.1))
    assert not [finding for finding in result.findings if finding.verdict != "not proven"]


def test_share_of_errors_counts_wrong_answers(scenes) -> None:
    photos = explained(scenes)
    for photo in photos:
        wrong = scenes[photo.id].colour == "red" or photo.id == "photo30"
        object.__setattr__(photo, "is_right", not wrong)
    red = finding_of(audit(photos, causal_test(scenes), RULES), "red", scenes)
    assert red.share_of_errors == pytest.approx(12 / 13)


def test_few_photos_and_constant_maps_give_no_clusters(scenes) -> None:
    few = dict(list(scenes.items())[:4])
    assert audit(explained(few), causal_test(few), RULES).findings == []
    photos = explained(few)
    for photo in photos:
        object.__setattr__(photo, "saliency", torch.zeros(48, 48))
    result = audit(photos, causal_test(few), RULES)
    assert (result.findings, result.regions, result.photos) == ([], 0, 4)
    empty = audit([], causal_test(few), RULES)
    assert (empty.findings, empty.photos) == ([], 0)


def test_findings_are_the_same_again(scenes) -> None:
    first, second = (audit(explained(scenes), causal_test(scenes), RULES) for _ in range(2))
    assert [f.removal for f in first.findings] == [f.removal for f in second.findings]
    assert [f.transplant for f in first.findings] == [f.transplant for f in second.findings]


def test_share_of_text_is_that_of_regions_with_text(scenes) -> None:
    def red_is_text(image):
        return image[0, 0] > 0.9

    result = audit(explained(scenes), causal_test(scenes), RULES, red_is_text)
    red, blue = (finding_of(result, colour, scenes) for colour in ("red", "blue"))
    assert (red.text, blue.text) == (1, 0)
    assert math.isnan(audit(explained(scenes), causal_test(scenes), RULES).findings[0].text)
