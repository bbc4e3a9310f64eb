"""Mean change of the probability while a patch outside the object is removed."""

import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from tests.metrics.conftest import truths
from unsee import InputError, create
from unsee.metrics.base import Truth

BOX = (0, 0, 16, 16)
"""Upper left quarter of 32 x 32 pixels."""


class Corner(nn.Module):
    """Class 1 is a bright lower right quarter, class 0 the rest of the probability."""

    def forward(self, x):
        bright = x[..., 16:, 16:].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(bright), 4 * bright], 1)


def change(image, labels, infiller="grey", **settings):
    score = masked_score(toy(Corner()), image, infiller, target=1)
    metric = create("metrics", "outside_change", **{"patch": 8, "stride": 8, **settings})
    return metric.rate(score, torch.zeros(1, 32, 32), labels).item()


def test_value_is_the_mean_over_the_places_beside_the_object(image) -> None:
    score = masked_score(toy(Corner()), image, target=1)
    whole = score.classifier.probabilities(image)[0, 1]
    expected = []
    for top in (0, 8, 16, 24):
        for left in (0, 8, 16, 24):
            if top < 16 and left < 16:
                continue
            keep = torch.ones(1, 1, 1, 32, 32)
            keep[..., top : top + 8, left : left + 8] = 0
            picture = score.pictures(keep)
            expected.append((score.classifier.probabilities(picture)[0, 1] - whole).abs().item())
    assert len(expected) == 12
    value = change(image, truths(BOX))
    assert value == pytest.approx(sum(expected) / 12, abs=1e-6)
    assert value > 0


def test_background_that_the_classifier_ignores_changes_nothing(image) -> None:
    assert change(image, truths((12, 12, 32, 32))) == 0


def test_background_without_room_and_photo_without_a_label_have_no_value(image) -> None:
    assert torch.tensor(change(image, truths((0, 0, 32, 32)))).isnan()
    assert torch.tensor(change(image, [Truth()])).isnan()


def test_generated_pixels_change_less_than_grey_ones() -> None:
    image = torch.full((1, 3, 32, 32), 0.9)
    generated = change(image, truths(BOX), "telea")
    assert generated < change(image, truths(BOX)) / 10


def test_patch_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="outside_change: expected patch >= 1"):
        create("metrics", "outside_change", patch=0)
