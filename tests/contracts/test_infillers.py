"""Contracts of all in-fillers; a new file in infillers/ is tested without a change here."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.generators import SIZE, fill, holes, small_infiller
from unsee import available, create
from unsee.registry import part, settings_of, summary

CLASSES = {name: part("infillers", name) for name in available("infillers")}
NAMES = [name for name, cls in CLASSES.items() if getattr(cls, "min_side", 0) <= SIZE]
"""In-fillers that accept pictures of `SIZE`; the others have tests of their own."""


@pytest.fixture
def infiller(request):
    return small_infiller(request.param)


for_each = pytest.mark.parametrize("infiller", NAMES, indirect=True)


@pytest.fixture
def pictures():
    rows = torch.linspace(0, 1, SIZE)
    plane = 0.5 + 0.5 * torch.sin(12 * rows[:, None] + 7 * rows[None])
    noise = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return (0.7 * plane + 0.3 * noise).clamp(0, 1)


@for_each
def test_background_is_a_finite_picture(infiller, pictures) -> None:
    background = fill(infiller, pictures, holes())
    assert background.shape == (6, 3, SIZE, SIZE)
    assert background.isfinite().all()
    assert background.min() >= -1e-5
    assert background.max() <= 1 + 1e-5
    assert not background.requires_grad


@pytest.mark.parametrize(
    "infiller", [name for name in NAMES if not CLASSES[name].uses_removed_pixels], indirect=True
)
def test_background_is_independent_of_removed_pixels(infiller, pictures) -> None:
    keep = holes()
    expected = fill(infiller, pictures, keep).view(2, 3, 3, SIZE, SIZE)
    for variant in range(keep.shape[1]):
        mask = keep[:, variant : variant + 1]
        changed = torch.where(mask[:, 0] > 0.5, pictures, torch.tensor(0.987))
        torch.testing.assert_close(fill(infiller, changed, mask), expected[:, variant])


@for_each
def test_keep_one_returns_the_image(infiller, pictures) -> None:
    network = toy(Convolutional())
    score = masked_score(network, pictures, infiller)
    ones = torch.ones(2, 1, 1, SIZE, SIZE)
    assert torch.equal(score.pictures(ones), pictures)
    expected = network.score(pictures, score.targets, score.measure)
    torch.testing.assert_close(score(ones)[:, 0], expected)


@for_each
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_masks_are_filled(infiller, pictures, value) -> None:
    background = fill(infiller, pictures, torch.full((2, 1, 1, SIZE, SIZE), value))
    assert background.isfinite().all()


@for_each
def test_background_is_independent_of_the_batch(infiller, pictures) -> None:
    keep = holes()
    together = fill(infiller, pictures, keep).view(2, 3, 3, SIZE, SIZE)
    for image in range(2):
        alone = fill(
            infiller, pictures[image : image + 1], keep[image : image + 1], seeds=[5 + image]
        )
        torch.testing.assert_close(alone, together[image], atol=1e-5, rtol=1e-5)


@for_each
def test_average_result_is_independent_of_the_order_of_masks(infiller, pictures) -> None:
    keep = holes()
    together = fill(infiller, pictures, keep).view(2, 3, 3, SIZE, SIZE)
    flipped = fill(infiller, pictures, keep.flip(1)).view(2, 3, 3, SIZE, SIZE).flip(1)
    torch.testing.assert_close(flipped, together, atol=1e-5, rtol=1e-5)


@for_each
def test_same_seed_gives_the_same_background(infiller, pictures) -> None:
    assert torch.equal(fill(infiller, pictures, holes()), fill(infiller, pictures, holes()))


@for_each
def test_rows_of_a_score_have_the_scores_of_the_whole(infiller, pictures) -> None:
    score = masked_score(toy(Convolutional()), pictures, infiller)
    keep = holes()
    whole = score(keep, step=3)
    rows = score.rows(torch.tensor([False, True]))(keep[1:], step=3)
    torch.testing.assert_close(rows, whole[1:])
    fresh = replace(score, images=pictures[1:], targets=score.targets[1:], seeds=[1])
    torch.testing.assert_close(fresh(keep[1:], step=3), whole[1:])


@for_each
def test_is_frozen_hashable_documented_and_listed(infiller) -> None:
    assert infiller.__dataclass_params__.frozen
    assert hash(infiller) == hash(dataclasses.replace(infiller))
    settings = settings_of(infiller)
    assert settings["name"] in available("infillers")
    assert create("infillers", **settings) == infiller
    assert summary("infillers", settings["name"]).endswith(".")  # one complete line
